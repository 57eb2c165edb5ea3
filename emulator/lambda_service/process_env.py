"""The environment variables of a function process: what Lambda sets, what the user set, and nothing of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.lambda_service.api_errors import InvalidParameterValue
from emulator.lambda_service.spec import FunctionSpec

VARIABLES_LIMIT = 4096
RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip


def check_variables(variables: Mapping[str, str]) -> None:
    """Refuse what Lambda refuses: reserved names, and more than 4 KB in all."""
    if used := sorted(RESERVED & variables.keys()):
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(used)}"
        )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > VARIABLES_LIMIT:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {size} bytes"
        )


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
    """Return all variables that the process starts with; `os.environ` of the emulator has no part in it."""
    return {
        "PATH": os.pathsep.join([str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(map(str, import_roots(task_root, layer_roots))),
        "LD_LIBRARY_PATH": os.pathsep.join(str(root / "lib") for root in (task_root, *layer_roots)),
        # an empty folder of its own: no ~/.aws of the person who runs the emulator, no shared temporary files
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
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",  # as on Lambda: untraced calls at init are no error
        **({"AWS_LAMBDA_LOG_LEVEL": spec.application_log_level} if spec.application_log_level else {}),
        **credentials,
        **spec.variables,
    }


def import_roots(task_root: Path, layer_roots: Sequence[Path]) -> list[Path]:
    """Where a function's imports are looked up, in Lambda's order: its own code, then the layers'."""
    site_packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    return [task_root, *(root / "python" / part for root in layer_roots for part in (site_packages, ""))]
