"""What passes between the packaging process and its children: JSON files in a scratch folder, validated on both sides.

Never pickle: a child runs a user's code, and whatever it writes is somebody else's word.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_tools.manifest import Dtype, Manifest
from model_tools.packaging.cases import Case
from model_tools.packaging.checkpoint_file import Kind

JOB_FILE = "job.json"
RESULT_FILE = "result.json"
TRACED_FILE = "traced.pt"
REFERENCE_FILE = "reference.safetensors"
SAMPLES_FILE = "sample_inputs.json"
MAX_RESULT_BYTES = 16 << 20

Text = Annotated[str, StringConstraints(max_length=4000)]
ChildError = Literal[
    "CheckpointRejected", "ClassesMismatch", "ManifestInvalid", "ModelTooLarge", "ParityFailed", "TraceFailed"
]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(_Message):
    """A child's no, to be raised as one of our errors."""

    status: Literal["refused"] = "refused"
    error: ChildError
    message: Text


class TraceJob(_Message):
    """What the tracing child is asked to do."""

    folder: Path
    checkpoint: Path
    kind: Kind
    manifest: Manifest
    trace: Case
    cases: list[Case]
    """Drawn cases first, then those of samples, in the order of SAMPLES_FILE."""


class Output(_Message):
    """One tensor of what a model answers."""

    name: Text
    """Its key in a dict, its index in a tuple, empty when it is the answer itself."""
    dtype: Dtype


class TraceResult(_Message):
    """What the tracing child found. Beside it stand TRACED_FILE and REFERENCE_FILE."""

    status: Literal["done"] = "done"
    structure: Literal["tensor", "tuple", "dict"]
    outputs: list[Output] = Field(min_length=1)
    shapes: list[list[list[int]]]
    """For each case, each output's shape."""
    answers: list[list[Any] | None]
    """For each sample, what the eager model answers (nested lists), when it is one small finite tensor."""
    channels_last: bool
    notes: list[Text] = Field(max_length=100)
    torch_version: Text
    seconds: dict[str, float]


class Difference(_Message):
    """How far the traced model's answer to one case is from the eager one's, over all outputs."""

    max_abs: float | None = None
    max_rel: float | None = None
    """Largest difference relative to the largest magnitude of the eager answer."""
    excess: float | None = None
    """Largest difference in units of the tolerance: above 1 is too much. None when it could not be computed."""
    problem: Text = ""
    """Why it could not: an exception, another shape, NaN elsewhere."""


class ParityResult(_Message):
    """What the parity child found."""

    status: Literal["done"] = "done"
    differences: list[Difference]
    """One for each case."""
    latency_ms: float
    """Median of the traced model's answer to the first case, one thread."""
    torch_version: Text
    seconds: dict[str, float]


class ParityJob(_Message):
    """What the parity child is asked to do. REFERENCE_FILE stands beside it."""

    model: Path
    inputs: int
    outputs: int
    cases: list[Case]
    channels_last: bool
