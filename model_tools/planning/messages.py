"""The messages to and from the child process that measures a packaged model."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from model_tools.formats.manifest import Library
from model_tools.formats.release_file import ReleaseFile
from model_tools.runtime.placement import Placement

JOB_FILE = "measuring.json"
"""The file with the message to the child."""
MEASUREMENT_FILE = "measurement.json"
"""The file with the message from the child."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MeasuringJob(_Message):
    """The job of the measuring child: a packaged model, described as its release would be, and its files' paths."""

    release: ReleaseFile
    """The release of the model; its runtime is None if the installed library is measured."""
    library: Library
    archive_file: Path
    bundle_file: Path | None
    placement: Placement | None
    samples: Path
    """The samples.jsonl with the events that the model answers."""


class Measurement(_Message):
    """The time and the memory that a model took to be loaded, to be warmed up and to answer."""

    library_seconds: float
    """The time until the library was imported, including the unpacking of a bundle, or its reading into memory."""
    model_seconds: float
    """The time from then until the model was loaded and warmed up."""
    peak_bytes: int
    """The largest memory of the process, with the contents of its memory files."""
    latency_ms: float
    """The median time of an answer with one thread, from the event's JSON to the answer's."""
    requests: int
    """The number of requests that were timed."""
    largest_request: int
    """The bytes of the largest event as JSON."""
    largest_answer: int
    """The bytes of the largest answer as JSON."""
    refused: int
    """The number of samples that were answered with an error, such as those whose images cannot be fetched here."""
