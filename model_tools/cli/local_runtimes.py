"""The emulator's runtime bundles: built once, kept in the user's cache, uploaded when the stack is up."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import requires
from typing import TYPE_CHECKING, get_args

from model_tools.aws.connection import AwsTarget, Connection
from model_tools.aws.faults import for_people
from model_tools.aws.objects import ObjectStore
from model_tools.aws.runtimes import RuntimeBucket
from model_tools.cli.emulator_process import ReadyMessage
from model_tools.cli.errors import UserError
from model_tools.cli.output import CommandOutput
from model_tools.formats.manifest import Library

if TYPE_CHECKING:
    from model_tools.bundling.built import BuiltRuntime

FAST_LEVEL = 3
"""zstd's compression level. On one machine a bundle is moved once, so a fast build matters more than a small bundle."""
INSTALLED_IN_IMAGES = ("torch", "numpy", "pillow", "safetensors", "xgboost-cpu")
"""The packages that a container image of the functions has installed."""


def build_runtimes(output: CommandOutput) -> "list[BuiltRuntime]":
    """Return the bundle of every library. Those that the cache lacks are built now, which takes about a minute.

    Raises UserError when the torch installed here is a CUDA build, which is too large for a function.
    """
    if is_cuda_build(requires("torch") or []):
        raise UserError(
            "The torch that is installed here is a CUDA build, which no function can hold: install PyTorch's CPU build "
            "instead (pytorch.org says how), or start with --lane image, where functions find torch installed."
        )
    from model_tools.bundling.cache import cached_runtime  # noqa: PLC0415 (few commands need it)

    return [cached_runtime(name, level=FAST_LEVEL, report=output.hint) for name in get_args(Library)]


def is_cuda_build(requirements: Iterable[str]) -> bool:
    """Tell by its requirements whether an installed torch is built for NVIDIA's processors, as PyPI's is."""
    return any(requirement.startswith(("nvidia-", "cuda-")) for requirement in requirements)


def bring_runtimes(runtimes: "Sequence[BuiltRuntime]", ready: ReadyMessage, *, environ: Mapping[str, str]) -> None:
    """Upload the bundles to the stack and make them the current ones."""
    if not runtimes:
        return
    s3 = Connection(AwsTarget(ready.endpoint_url, ready.region), environ=environ).client("s3")
    bucket = RuntimeBucket(ObjectStore(s3, errors=for_people), ready.outputs["ArtifactsBucketName"])
    for runtime in runtimes:
        bucket.publish(runtime)


def installed_instead() -> list[str]:
    """Return the emulator's arguments that let functions find the libraries installed, as in a container image."""
    return [part for name in INSTALLED_IN_IMAGES for part in ("--preinstalled", name)]
