"""The sections of `publish.yaml`, each with its fields, their defaults and the rules between them."""

import math
import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from model_tools.formats.paths import named_path

Dtype = Literal["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"]
Quantize = Literal["none", "dynamic-int8", "bfloat16"]
Scores = Literal["logits", "probabilities"]
"""The meaning of a classifier's outputs: a softmax (of one output, a sigmoid) turns logits into probabilities."""
AXIS_NAME = r"^[a-z][a-z0-9_]*$"
MAX_SIZE = 1_000_000
"""The largest size of an axis."""
Axis = Annotated[str, StringConstraints(pattern=AXIS_NAME)]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
UNKNOWN_SIZES = (None, -1, "?", "-1", "None", "none", "*")
"""The signs for an axis of any size in other tools: ONNX, Keras, TensorFlow and TorchScript."""
INTEGER_BOUNDS: dict[str, tuple[int, int]] = {
    "int64": (-(2**63), 2**63 - 1), "int32": (-(2**31), 2**31 - 1), "uint8": (0, 255),
}  # fmt: skip
"""The smallest and the largest value of each integer type."""


class Section(BaseModel):
    """A part of the manifest. It refuses unknown fields and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(Section):
    """An input tensor of the model's `forward`."""

    shape: list[Size | Axis] = Field(max_length=8)
    """Fixed sizes, or names of axes whose size may vary from request to request, such as `batch`."""
    dtype: Dtype = "float32"
    range: tuple[float, float] | None = None
    """The smallest and the largest sensible value, for made-up inputs. Without it, the proof draws floats around 0, and
    integers that the model was found to take."""

    @field_validator("shape", mode="before")
    @classmethod
    def _sizes_or_names(cls, shape: object) -> object:
        for axis in shape if isinstance(shape, list) else ():
            problem = _axis_problem(axis)
            if problem is not None:
                raise ValueError(problem)
        return shape

    @model_validator(mode="after")
    def _range_that_holds_values(self) -> Self:
        if self.range is None:
            return self
        low, high = self.range
        if self.dtype == "bool":
            raise ValueError("range: a bool is true or false: remove range")
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"range: {low:g} … {high:g} is not from a smaller to a larger number: correct it")
        if self.dtype in INTEGER_BOUNDS and not _holds_integers(low, high, *INTEGER_BOUNDS[self.dtype]):
            raise ValueError(f"range: {low:g} … {high:g} holds no {self.dtype}, or more than there are: correct it")
        return self


def _axis_problem(axis: object) -> str | None:
    """Return why an entry of a shape is neither a size nor a name, and what to write; None for one that is."""
    if (isinstance(axis, str) and re.match(AXIS_NAME, axis)) or (type(axis) is int and 1 <= axis <= MAX_SIZE):
        return None
    shown = "null" if axis is None else str(axis)[:40]
    if axis in UNKNOWN_SIZES:
        return f"{shown} is no size: give an axis whose size may vary a name, such as batch for the axis of rows"
    if isinstance(axis, str):
        return (
            f"{shown!r} is no name of an axis, which begins with a lower-case letter and has only such letters, digits "
            "and _ : rename it; the axis of rows is called batch"
        )
    return f"{shown} is no size: write a whole number from 1 to {MAX_SIZE:,}, or a name for an axis that may vary"


class AxisSizes(Section):
    """The sizes that a dynamic axis may take."""

    min: Size = 1
    max: Size = 4

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is larger than max ({self.max})")
        return self


class Preprocess(Section):
    """The steps from an image to the model's input: decode, resize, crop, scale to 0…1, normalise."""

    size: Size | tuple[Size, Size]
    """A single number is the shorter side after the resize (torchvision's `Resize(int)`); two are [height, width]."""
    crop: Size | tuple[Size, Size] | None = None
    """The size of the centre crop after the resize: one number for a square, or [height, width]."""
    mode: Literal["L", "RGB"] = "RGB"
    mean: list[float] | None = None
    std: list[Annotated[float, Field(gt=0)]] | None = None

    @property
    def channels(self) -> int:
        """The number of channels: 1 for grey images, 3 for colour."""
        return 1 if self.mode == "L" else 3

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> Self:
        for field in ("mean", "std"):
            values = getattr(self, field)
            if values is not None and len(values) != self.channels:
                raise ValueError(f"{field} has {len(values)} values, mode {self.mode} has {self.channels} channel(s)")
        return self


class Optimize(Section):
    """The changes that may make the traced model faster; parity is proved for the changed model."""

    freeze: bool = True
    channels_last: bool | Literal["auto"] = "auto"
    quantize: Quantize = "none"
    """dynamic-int8 computes linear and recurrent layers in 8-bit integers; bfloat16 computes all layers in bfloat16."""
    tolerance: Annotated[float, Field(gt=0, le=1)] | None = None
    """The largest difference of a quantised model's answers, as a share of the answer's magnitude."""

    @model_validator(mode="after")
    def _tolerance_only_when_quantised(self) -> Self:
        if self.tolerance is not None and self.quantize == "none":
            raise ValueError("tolerance is for a quantised model: remove it, or set quantize")
        return self


class Text(Section):
    """The vocabularies and limits by which text becomes token ids, and token ids text."""

    source_vocabulary: str
    """A file with one token a line, whose id is the line's number from 0. It needs `<unk>`, and `<pad>` for batches."""
    target_vocabulary: str | None = None
    """The vocabulary of the texts that a text-to-text model writes; it needs `<bos>` and `<eos>`."""
    tokens: Literal["words", "characters"] = "words"
    lowercase: bool = False
    max_source_tokens: Annotated[int, Field(ge=1, le=4096)] = 256
    max_target_tokens: Annotated[int, Field(ge=1, le=4096)] = 64
    beams: Annotated[int, Field(ge=1, le=16)] = 1
    """The width of the beam search unless a request gives another; 1 is a greedy search."""

    @field_validator("source_vocabulary", "target_vocabulary")
    @classmethod
    def _inside_the_folder(cls, value: str | None) -> str | None:
        return named_path(value)


class Results(Section):
    """The place in S3 for answers that are too large to be sent."""

    above_bytes: Annotated[int, Field(ge=1_000, le=6_000_000)] = 1_000_000
    """A larger answer is written to S3, and the caller gets its key. Lambda sends 6 MB at most."""
    prefix: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*/){1,8}$", max_length=200)] = (
        "results/"
    )
    """The folder in the results bucket; it ends with a slash."""


def _holds_integers(low: float, high: float, smallest: int, largest: int) -> bool:
    return math.ceil(low) <= math.floor(high) and smallest <= math.ceil(low) and math.floor(high) <= largest
