"""What the measuring child is told, and what it answers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from model_tools.formats.manifest import Library
from model_tools.formats.release_file import ReleaseFile
from model_tools.runtime.placement import Placement

JOB_FILE = "measuring.json"
MEASUREMENT_FILE = "measurement.json"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MeasuringJob(_Message):
    """A packaged model, as a release of it would be, and where its files are on this machine."""

    release: ReleaseFile
    """Its runtime is None where the library that is installed serves."""
    library: Library
    archive_file: Path
    bundle_file: Path | None
    placement: Placement | None
    samples: Path
    """samples.jsonl: what is asked."""


class Measurement(_Message):
    """What a model takes while it is loaded, warmed up and asked. Bytes, seconds and milliseconds."""

    library_seconds: float
    """The time until the library was imported; where it comes as a bundle, it is unpacked or read into memory first."""
    model_seconds: float
    """The time from then until the model was loaded and warmed up."""
    peak_bytes: int
    """The most memory that the process had, with what it holds in memory files."""
    latency_ms: float
    """Median of an answer on one thread, everything included."""
    requests: int
    """The number of requests that were timed."""
    largest_request: int
    largest_answer: int
    refused: int
    """The number of samples that were answered with an error: fetched ones may be out of reach here."""
