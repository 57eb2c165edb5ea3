"""The environment variables of a function process: Lambda's and the function's, and none of the emulator's."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.lambda_.spec import FunctionSpec


def function_environment(
    spec: FunctionSpec,
    *,
    python: Path,
    task_root: Path,
    layer_roots: Sequence[Path],
    endpoint_url: str,
    runtime_api: str,
    log_stream: str,
    scratch: Path,
    credentials: Mapping[str, str],
) -> dict[str, str]:
    """Return all variables that the process starts with. Nothing is taken from the emulator's `os.environ`."""
    return {
        "PATH": os.pathsep.join([str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(map(str, import_roots(task_root, layer_roots))),
        "LD_LIBRARY_PATH": os.pathsep.join(str(root / "lib") for root in (task_root, *layer_roots)),
        # an empty folder: no ~/.aws of the person who runs the emulator, no shared temporary files
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "_HANDLER": spec.handler,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": spec.region,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if spec.restores else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": spec.log_format,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",  # as on Lambda: a call at init is not traced, and that is no error
        **({"AWS_LAMBDA_LOG_LEVEL": spec.application_log_level} if spec.application_log_level else {}),
        **credentials,
        **spec.variables,
    }


def import_roots(task_root: Path, layer_roots: Sequence[Path]) -> list[Path]:
    """Return the folders that a function imports from, in Lambda's order: its code, then its layers."""
    site_packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    return [task_root, *(root / "python" / part for root in layer_roots for part in (site_packages, ""))]
