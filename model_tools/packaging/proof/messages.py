"""The messages to and from the children that trace a PyTorch model and prove it, and the files beside them."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import Dtype, Preprocess, Scores
from model_tools.packaging.checkpoint.checkpoint_file import Kind
from model_tools.packaging.children.messages import Message, Text
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.sizes import SizePlan
from model_tools.tasks.answers import ObservedValues
from model_tools.tasks.spec import Comparison

TRACED_FILE = "traced.pt"
"""The file with the traced model, as the tracing child leaves it."""
UNQUANTIZED_FILE = "unquantized.pt"
"""The file with the traced model before quantisation."""
REFERENCE_FILE = "reference.safetensors"
"""The file with the inputs of each case and the answers of the eager model."""
IMAGES_FOLDER = "images"
"""The folder with the images of samples, numbered from 0."""


class TraceJob(Message):
    """The job of the tracing child: load this checkpoint, answer the cases, and trace the model with `trace`."""

    folder: Path
    checkpoint: Path
    kind: Kind
    manifest: Manifest
    trace: Case
    cases: list[Case]
    """The drawn cases first, then those of samples, in the order of SAMPLES_FILE."""
    sizes: SizePlan
    """The sizes of the named axes in the drawn cases."""


class OutputTensor(Message):
    """The name and the type of a tensor in a model's answers."""

    name: Text
    """The tensor's key in a dict, its index in a tuple; empty when the tensor is the whole answer."""
    dtype: Dtype


class TraceResult(Message):
    """The findings of the tracing child, which leaves TRACED_FILE and REFERENCE_FILE beside them."""

    status: Literal["done"] = "done"
    structure: Literal["tensor", "tuple", "dict"]
    outputs: list[OutputTensor] = Field(min_length=1)
    shapes: list[list[list[int]]]
    """The shape of each output, for each case."""
    values: list[list[ObservedValues | None]]
    """The values of each output, for each case."""
    last_operator: Text
    """The operator that computes the first output, such as `sigmoid`; empty if it is not known."""
    answers: list[list[Any] | None]
    """The eager model's answer to each sample as nested lists; None unless it is one small tensor."""
    channels_last: bool
    """The model was traced with images in channels-last memory format."""
    notes: list[Text] = Field(default_factory=list, max_length=200)
    """Sentences on how the weights were brought to the architecture's form, and on ranges that were found by asking."""
    tracer_notes: list[Text] = Field(max_length=100)
    """The tracer's warnings, which were found to be harmless."""
    sizes_read: list[Text] = Field(default_factory=list, max_length=1000)
    """The places where the model's code reads a size as a number, which is right for all sizes that are proved."""
    torch_version: Text
    seconds: dict[str, float]
    """The time of each step."""


class WorstValue(Message):
    """The value of an answer that is farthest off, measured by what is allowed for it."""

    output: Text
    """The name of the output; empty when the answer is one tensor."""
    index: list[int]
    """The place of the value in the output."""
    expected: float
    found: float
    allowed: float
    """The largest difference that is allowed for this value."""


class Difference(Message):
    """The difference of the traced model's answer to one case from the eager model's, over all outputs."""

    max_abs: float | None = None
    """The largest difference of a number."""
    max_rel: float | None = None
    """The largest difference of a number as a share of the scale that the number is measured by."""
    excess: float | None = None
    """The largest difference in units of the tolerance, above 1 if too large; None if it could not be computed."""
    problem: Text = ""
    """The reason why the difference could not be computed: an exception, another shape, or NaN in other places."""
    worst: WorstValue | None = None


class DecodingDifference(Message):
    """The differences between an image decoded at reduced size and the same image decoded in full."""

    name: Text
    """The name of the sample that brings the image."""
    size: tuple[int, int]
    """The width and height of the image in pixels."""
    levels_mean: float
    """The mean difference of the model's input, in levels of 255."""
    levels_max: float
    """The largest difference of the model's input, in levels of 255."""
    answers_apart: float
    """The largest difference of the model's answers: of confidences, or of values as shares of their scale."""
    same_top1: bool
    """The likeliest class is the same; always true unless confidences are compared."""


class QuantizationResult(Message):
    """The findings of the parity child about the model before quantisation, and the agreement with it after."""

    differences_before: list["Difference"]
    """The difference for each case, before quantisation."""
    latency_ms_before: float
    """The median time of an answer to the first case, before quantisation and with one thread."""
    top1_agreement: float | None
    """The share of all cases' rows for which the quantised model has the same largest value as the eager one.

    None unless the answers have the form [batch, values].
    """


class RowsJob(Message):
    """The job of proving that the rows of a batch, and padding, do not change answers; None leaves a proof out."""

    may_be_apart: bool = True
    """Serving can answer row by row, so rows need not be independent."""
    fewest_rows: int | None
    """The smallest number of rows that the model takes; None for a model whose rows are not put into one batch."""
    padding: int | None
    """The id that pads a text; None for a model whose texts are not padded."""
    no_padding: int = 0
    """An id that is no padding."""
    fewest_tokens: int = 1
    """The smallest number of tokens that the model takes."""
    fewest_targets: int | None = None
    """The smallest number of target tokens that the model takes; None if targets are never longer than what is written.
    """


class RowsResult(Message):
    """The findings about rows and padding; None for what was not compared."""

    independent: bool | None
    """Rows are answered alone as together."""
    ignores_padding: bool | None
    """A padded text is answered as the text."""
    causal: bool | None
    """Tokens after a position do not change the logits at it."""


class ParityResult(Message):
    """The findings of the parity child."""

    status: Literal["done"] = "done"
    differences: list[Difference]
    """The difference for each case."""
    allowances: list[Any | None] = Field(default_factory=list)
    """What the served model may be off from each value of a sample's answer, for each sample that brings numbers.

    Nested lists like those of the answer; None for an answer that is not kept.
    """
    quantized: QuantizationResult | None = None
    decoding: list[DecodingDifference] = Field(default_factory=list, max_length=2000)
    """The differences for each image that serving would decode at reduced size."""
    rows: RowsResult
    latency_ms: float
    """The median time of the traced model's answer to the first case, with one thread."""
    torch_version: Text
    seconds: dict[str, float]
    """The time of each step."""


class QuantizationJob(Message):
    """The measures for a quantised model: the model before quantisation, and a tolerance of its own."""

    unquantized: Path
    """The traced model before quantisation."""
    tolerance: float
    """The largest difference that is accepted, as a share of the scale that a value is measured by."""


class DecodingJob(Message):
    """The images to decode at reduced size and in full: those of samples, numbered from 0 in IMAGES_FOLDER."""

    preprocess: Preprocess
    dtype: Dtype
    names: list[Text]
    """The name of the sample of each image."""
    compared: Comparison
    """The way in which the model's answers are compared."""
    scores: Scores | None = None
    """The meaning of a classifier's outputs."""


class ParityJob(Message):
    """The job of the parity child: compare this model's answers with those in REFERENCE_FILE, which lies beside it."""

    model: Path
    inputs: int
    """The number of the model's inputs."""
    outputs: int
    """The number of tensors in an answer."""
    cases: list[Case]
    channels_last: bool
    has_classes: bool = False
    """The values of an answer belong to classes, and are weighed against each other."""
    quantized: QuantizationJob | None = None
    decoding: DecodingJob | None = None
    rows: RowsJob
