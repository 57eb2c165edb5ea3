"""The messages to and from the children that trace a PyTorch model and prove it, and the files beside them."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import Dtype, Preprocess
from model_tools.packaging.checkpoint.checkpoint_file import Kind
from model_tools.packaging.children.messages import Message, Text
from model_tools.packaging.proof.cases import Case
from model_tools.tasks.spec import Comparison

TRACED_FILE = "traced.pt"
"""The traced model, as the tracing child leaves it."""
PLAIN_FILE = "plain.pt"
"""The traced model before quantisation."""
REFERENCE_FILE = "reference.safetensors"
"""The inputs of each case and the answers of the eager model."""
IMAGES_FOLDER = "images"
"""The images of samples, numbered from 0."""
ChildError = Literal[
    "CheckpointRejected", "ClassesMismatch", "ManifestInvalid", "ModelTooLarge", "ParityFailed", "TraceFailed"
]


class TraceJob(Message):
    """What the tracing child is asked to do."""

    folder: Path
    checkpoint: Path
    kind: Kind
    manifest: Manifest
    trace: Case
    cases: list[Case]
    """Drawn cases first, then those of samples, in the order of SAMPLES_FILE."""


class OutputTensor(Message):
    """One tensor of what a model answers."""

    name: Text
    """Its key in a dict, its index in a tuple, empty when it is the answer itself."""
    dtype: Dtype


class TraceResult(Message):
    """What the tracing child found. Beside it stand TRACED_FILE and REFERENCE_FILE."""

    status: Literal["done"] = "done"
    structure: Literal["tensor", "tuple", "dict"]
    outputs: list[OutputTensor] = Field(min_length=1)
    shapes: list[list[list[int]]]
    """The shape of each output, for each case."""
    answers: list[list[Any] | None]
    """The eager model's answer to each sample (nested lists), when it is one small finite tensor."""
    channels_last: bool
    notes: list[Text] = Field(max_length=100)
    torch_version: Text
    seconds: dict[str, float]


class Difference(Message):
    """How far the traced model's answer to one case is from the eager one's, over all outputs."""

    max_abs: float | None = None
    max_rel: float | None = None
    """Largest difference relative to the largest magnitude of the eager answer."""
    excess: float | None = None
    """Largest difference in units of the tolerance: above 1 is too much. None when it could not be computed."""
    problem: Text = ""
    """Why it could not: an exception, another shape, NaN elsewhere."""


class Decoded(Message):
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
    """The likeliest class is the same; True where no confidences are compared."""


class Quantized(Message):
    """What the parity child found of the model before it was quantised."""

    differences_before: list["Difference"]
    latency_ms_before: float
    top1_agreement: float | None
    """Share of the rows of all cases for which the quantised model has the same largest value; None unless answers are
    [batch, values]."""


class ParityResult(Message):
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


class QuantizedJob(Message):
    """What a quantised model is measured by."""

    before: Path
    """The model as it was traced without."""
    tolerance: float
    """Largest difference that is accepted, as a share of the answer's magnitude."""


class DecodingJob(Message):
    """Images of samples, numbered from 0 in IMAGES_FOLDER."""

    preprocess: Preprocess
    dtype: Dtype
    names: list[Text]
    compared: Comparison


class ParityJob(Message):
    """What the parity child is asked to do. REFERENCE_FILE stands beside it."""

    model: Path
    inputs: int
    outputs: int
    cases: list[Case]
    channels_last: bool
    quantized: QuantizedJob | None = None
    decoding: DecodingJob | None = None
