"""What passes between the packaging process and its children: JSON files in a scratch folder, validated on both sides.

Never pickle: a child runs a user's code, and whatever it writes is somebody else's word.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import Dtype, Preprocess
from model_tools.packaging.checkpoint.checkpoint_file import Kind
from model_tools.packaging.proof.cases import Case
from model_tools.tasks.spec import Comparison

JOB_FILE = "job.json"
RESULT_FILE = "result.json"
TRACED_FILE = "traced.pt"
REFERENCE_FILE = "reference.safetensors"
SAMPLES_FILE = "sample_inputs.json"
PLAIN_FILE = "plain.pt"
"""Of a quantised model, what it was before: traced as it would be without."""
TREES_FILE = "trees.ubj"
ANSWERS_FILE = "answers.npz"
IMAGES_FOLDER = "images"
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


class TreesJob(_Message):
    """What the child is asked to do that loads an XGBoost model and saves it as it will be served."""

    checkpoint: Path
    rounds: int | None
    """How many of its rounds count; all without it."""
    features: int
    spans: list[tuple[float, float]]
    """Of every feature, the values between which the cases are drawn."""
    cases: list[Case]
    """Drawn cases first, then those of samples, in the order of SAMPLES_FILE."""


class TreesResult(_Message):
    """What it found. Beside it stand TREES_FILE and ANSWERS_FILE."""

    status: Literal["done"] = "done"
    shapes: list[list[int]]
    """Of each case's answer."""
    answers: list[list[Any] | None]
    """For each sample, the trained model's answer (nested lists), when it is small."""
    xgboost_version: Text
    seconds: dict[str, float]


class TreesParityJob(_Message):
    """What the child is asked to do that proves the saved trees. ANSWERS_FILE stands beside it."""

    model: Path
    cases: int


class TreesParityResult(_Message):
    """What it found."""

    status: Literal["done"] = "done"
    differences: list[float]
    """Of each case, the largest absolute difference; -1 for an answer of another shape, or NaN elsewhere."""
    latency_ms: float
    """Median of the answer to one row, one thread."""
    xgboost_version: Text
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


class Decoded(_Message):
    """How far decoding an image at reduced size is from decoding it in full."""

    name: Text
    size: tuple[int, int]
    """Width and height of the image, pixels."""
    levels_mean: float
    """Mean difference of what the model is given, in levels of 255."""
    levels_max: float
    answers_apart: float
    """Largest difference of the model's answers; of a classifier in confidence, else relative to the magnitude."""
    same_top1: bool
    """Whether the likeliest class is the same; True where no confidences are compared."""


class Quantized(_Message):
    """What the parity child found of the model before it was quantised."""

    differences_before: list["Difference"]
    latency_ms_before: float
    top1_agreement: float | None
    """Share of the rows of all cases for which the quantised model has the same largest value; None unless answers are
    [batch, values]."""


class ParityResult(_Message):
    """What the parity child found."""

    status: Literal["done"] = "done"
    differences: list[Difference]
    """One for each case."""
    quantized: Quantized | None = None
    decoding: list[Decoded] = Field(default_factory=list, max_length=2000)
    """One for each image that serving would decode at reduced size."""
    latency_ms: float
    """Median of the traced model's answer to the first case, one thread."""
    torch_version: Text
    seconds: dict[str, float]


class QuantizedJob(_Message):
    """What a quantised model is measured by."""

    before: Path
    """The model as it was traced without."""
    tolerance: float
    """Largest difference that is accepted, as a share of the answer's magnitude."""


class DecodingJob(_Message):
    """Images of samples, numbered from 0 in IMAGES_FOLDER."""

    preprocess: Preprocess
    dtype: Dtype
    names: list[Text]
    compared: Comparison


class ParityJob(_Message):
    """What the parity child is asked to do. REFERENCE_FILE stands beside it."""

    model: Path
    inputs: int
    outputs: int
    cases: list[Case]
    channels_last: bool
    quantized: QuantizedJob | None = None
    decoding: DecodingJob | None = None
