"""Starts the child process that measures a packaged model, and reads the measurement."""

import signal
import sys
from pathlib import Path

from pydantic import ValidationError

from model_tools.bundling.clean_python import CleanPython
from model_tools.errors import ModelTooLarge, TraceFailed
from model_tools.formats.archive import LIBRARY_OF
from model_tools.formats.release_file import ArchiveReference, ReleaseFile
from model_tools.packaging.children.processes import child_environment, hide_from_children, last_lines, run_to_its_end
from model_tools.packaging.package import Package
from model_tools.planning.bundles import KnownBundle
from model_tools.planning.messages import JOB_FILE, MEASUREMENT_FILE, Measurement, MeasuringJob
from model_tools.runtime.placement import Placement
from model_tools.tasks.registry import spec_of

MODULE = "model_tools.planning.measuring_child"
SECONDS = 300.0
"""The time after which the child is ended."""


def measure(
    package: Package,
    bundle: KnownBundle | None,
    placement: Placement | None,
    scratch: Path,
    *,
    seconds: float = SECONDS,
) -> Measurement:
    """Load the packaged model in a process of its own, let it answer its samples, and return the measured figures.

    The library comes from the bundle, whose file must be on this machine; without a bundle, the installed library is
    used. Raises TraceFailed for a model that does not answer, ModelTooLarge if this machine's memory is too small.
    """
    scratch.mkdir(parents=True)
    archive = ArchiveReference(
        uri=package.archive.as_uri(), sha256=package.sha256, size=package.size, unpacked=package.unpacked
    )
    job = MeasuringJob(
        release=ReleaseFile(
            release_id="plan",
            execution="plan",
            archive=archive,
            part=spec_of(package.manifest.task).bundle_part,
            runtime=bundle.reference if bundle else None,
        ),
        library=LIBRARY_OF[package.manifest.format],
        archive_file=package.archive,
        bundle_file=bundle.file if bundle else None,
        placement=placement,
        samples=package.samples,
    )
    (scratch / JOB_FILE).write_text(job.model_dump_json(), encoding="utf-8")
    hide_from_children()
    executable, environment = _python(scratch, isolated=bundle is not None)
    status, tail = run_to_its_end([executable, "-s", "-P", "-m", MODULE, str(scratch)], environment, scratch, seconds)
    if status == -signal.SIGKILL:
        raise ModelTooLarge(
            "The process that measures the model was killed, as the kernel does when memory runs out: plan on a "
            f"machine with more memory, or publish a smaller model. {last_lines(tail)}"
        )
    if status is None:
        raise TraceFailed(f"The packaged model did not answer its samples within {seconds:g} s. {last_lines(tail)}")
    try:
        return Measurement.model_validate_json((scratch / MEASUREMENT_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise TraceFailed(
            f"The packaged model could not be served on this machine (status {status}): what it last wrote says why. "
            f"{last_lines(tail)}"
        ) from error


def _python(scratch: Path, *, isolated: bool) -> tuple[str, dict[str, str]]:
    """Return an interpreter and its environment: this one, or an isolated one with the functions' layer alone.

    An isolated interpreter cannot import a package that is installed here but missing in the bundle.
    """
    environment = child_environment(scratch)
    if not isolated:
        return sys.executable, environment
    python = CleanPython(scratch)
    return python.executable, {**environment, "PYTHONPATH": str(python.layer)}


def matches_this_python(bundle: KnownBundle, *, machine: str) -> bool:
    """Tell whether a bundle was built for this process's Python and processor."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (bundle.reference.python, bundle.reference.platform) == (here, machine)
