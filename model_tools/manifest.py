"""`publish.yaml`: the manifest that travels with a checkpoint and says how to publish it.

It owns the manifest's fields, their defaults and what is said about a wrong one. It reads text, never a file.
"""

import math
import re
import reprlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from model_tools.errors import ManifestInvalid

MANIFEST_NAME = "publish.yaml"
MAX_MANIFEST_BYTES = 1 << 20
"""A manifest is read whole into memory; a larger file is something else."""

Task = Literal["image-classification", "tensor"]
Dtype = Literal["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Axis = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Size = Annotated[int, Field(ge=1, le=1_000_000)]
EXECUTABLE_CHECKPOINTS = (".pt2",)
CHECKPOINT_SUFFIXES = (".pt", ".pth", ".pt2", ".safetensors")
INTEGER_BOUNDS: dict[str, tuple[int, int]] = {
    "int64": (-(2**63), 2**63 - 1), "int32": (-(2**31), 2**31 - 1), "uint8": (0, 255),
}  # fmt: skip
SURROGATE = re.compile("[\ud800-\udfff]")
"""What no UTF-8 can say, so no JSON that is stored."""
MAX_PROBLEMS_TOLD = 10
MAX_FIELD_LENGTH = 200
"""Step Functions cuts a cause off at 32,768 characters."""
MAX_NODES = 100_000
"""Values in a manifest, counted as often as an alias repeats them: a few lines of YAML can stand for billions."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(_Section):
    """One input tensor of the model's `forward`."""

    shape: list[Size | Axis] = Field(max_length=8)
    """Fixed sizes, or names of axes whose size may vary from request to request, such as `batch`."""
    dtype: Dtype = "float32"
    range: tuple[float, float] | None = None
    """Smallest and largest value that makes sense; without it numbers are drawn around 0, integers from 0 and 1."""

    @model_validator(mode="after")
    def _range_that_holds_values(self) -> Self:
        if self.range is None:
            return self
        low, high = self.range
        if self.dtype == "bool":
            msg = "range: a bool is true or false: remove range"
        elif not (math.isfinite(low) and math.isfinite(high) and low <= high):
            msg = f"range: {low:g} … {high:g} is not from a smaller to a larger number: correct it"
        elif self.dtype in INTEGER_BOUNDS and not _holds_integers(low, high, *INTEGER_BOUNDS[self.dtype]):
            msg = f"range: {low:g} … {high:g} holds no {self.dtype}, or more than there are: correct it"
        else:
            return self
        raise ValueError(msg)


class AxisSizes(_Section):
    """The sizes that a dynamic axis may take."""

    min: Size = 1
    max: Size = 4

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            msg = f"min ({self.min}) is larger than max ({self.max})"
            raise ValueError(msg)
        return self


class Preprocess(_Section):
    """How an image becomes the model's input: decode, resize, crop, scale to 0…1, normalise."""

    size: Size | tuple[Size, Size]
    """One number resizes the shorter side to it (torchvision's `Resize(int)`); two are [height, width]."""
    crop: Size | tuple[Size, Size] | None = None
    """Centre crop after the resize: one number for a square, or [height, width]."""
    mode: Literal["L", "RGB"] = "RGB"
    mean: list[float] | None = None
    std: list[Annotated[float, Field(gt=0)]] | None = None

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return 1 if self.mode == "L" else 3

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> Self:
        for field in ("mean", "std"):
            values = getattr(self, field)
            if values is not None and len(values) != self.channels:
                msg = f"{field} has {len(values)} values, mode {self.mode} has {self.channels} channel(s)"
                raise ValueError(msg)
        return self


class Optimize(_Section):
    """What may be done to make the traced model faster; parity is proved after it."""

    freeze: bool = True
    channels_last: bool | Literal["auto"] = "auto"


class Manifest(_Section):
    """A validated `publish.yaml`."""

    name: Name
    task: Task
    checkpoint: str
    architecture: str | None = None
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    inputs: list[InputSpec] = Field(min_length=1, max_length=16)
    axes: dict[Axis, AxisSizes] = Field(default_factory=dict)
    classes: str | None = None
    preprocess: Preprocess | None = None
    samples: str | None = None
    optimize: Optimize = Field(default_factory=Optimize)

    @field_validator("checkpoint", "classes", "samples")
    @classmethod
    def _inside_the_folder(cls, value: str | None) -> str | None:
        if value is not None and not is_inside(value):
            msg = f"{value!r} leaves the model's folder; name a file in it"
            raise ValueError(msg)
        return value

    @field_validator("arguments")
    @classmethod
    def _arguments_that_json_can_tell(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name, argument in value.items():
            if not name.isidentifier():
                msg = f"{name!r} cannot be the name of an argument: correct it"
                raise ValueError(msg)
            if any(isinstance(node, float) and not math.isfinite(node) for node in _nodes(argument)):
                msg = f"{name} is infinite or not a number: set it in the architecture's code"
                raise ValueError(msg)
        return value

    @field_validator("architecture")
    @classmethod
    def _module_and_callable(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", value):
            msg = f"{value!r} is not of the form module:Callable"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _fields_that_belong_together(self) -> Self:
        if not self.checkpoint.endswith(CHECKPOINT_SUFFIXES):
            msg = f"checkpoint must end in {', '.join(CHECKPOINT_SUFFIXES)}"
            raise ValueError(msg)
        if self.checkpoint.endswith(".safetensors") and self.architecture is None:
            msg = "a .safetensors file holds weights only: name the code as architecture: module:Callable"
            raise ValueError(msg)
        if self.checkpoint.endswith(EXECUTABLE_CHECKPOINTS) and self.architecture is not None:
            msg = "a .pt2 file brings its own graph: remove architecture"
            raise ValueError(msg)
        if self.arguments and self.architecture is None:
            msg = "arguments are for an architecture, and none is named: remove them or add architecture"
            raise ValueError(msg)
        if self.task == "image-classification":
            missing = [field for field in ("classes", "preprocess") if getattr(self, field) is None]
            if missing:
                msg = f"task image-classification needs {' and '.join(missing)}"
                raise ValueError(msg)
        unused = set(self.axes) - {axis for spec in self.inputs for axis in spec.shape if isinstance(axis, str)}
        if unused:
            msg = f"axes names {', '.join(sorted(unused))}, which no input's shape uses"
            raise ValueError(msg)
        return self

    def axis_sizes(self, axis: str) -> AxisSizes:
        """Return the sizes that the named dynamic axis may take (1 to 4 unless `axes` says otherwise)."""
        return self.axes.get(axis, AxisSizes())


def is_inside(path: str) -> bool:
    """Tell whether a relative path (or glob) stays inside the folder that it is relative to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and "\\" not in path and "\0" not in path and ".." not in parts


def parse_manifest(text: str, *, where: str = MANIFEST_NAME) -> Manifest:
    """Return the manifest that a YAML text describes.

    Raises ManifestInvalid naming each wrong field and what to do; `where` is how the message names the file.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError is a date that is none
        raise ManifestInvalid(
            f"{where} is not YAML: {' '.join(str(error).split())}. Correct the line it names."
        ) from error
    if not isinstance(data, Mapping):
        raise ManifestInvalid(
            f"{where} must be a mapping of fields such as `name: digits`; it is {type(data).__name__}."
        )
    if sum(1 for _ in _nodes(data)) > MAX_NODES:
        raise ManifestInvalid(
            f"{where} stands for more than {MAX_NODES:,} values: write them out, without YAML aliases."
        )
    if any(isinstance(node, str) and SURROGATE.search(node) for node in _nodes(data)):
        raise ManifestInvalid(f"{where} has half of a character in it (\\ud800 … \\udfff): write the whole character.")
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        raise ManifestInvalid(explain(error, where)) from error


def explain(error: ValidationError, where: str, sections: Mapping[str, type[BaseModel]] | None = None) -> str:
    """Return one message that names each field that pydantic refused, what is wrong and the remedy.

    `sections` are the models that were read, by the field that holds them, "" for the outermost; without them it was
    a manifest.
    """
    problems = []
    found = error.errors(include_url=False, include_context=False)
    for problem in found[:MAX_PROBLEMS_TOLD]:
        field = ".".join(str(part) for part in problem["loc"])[:MAX_FIELD_LENGTH]
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            message = "is missing: add it"
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(_known_fields(field, sections or SECTIONS))
            message = f"is not a field of it: remove it or correct its spelling ({known})"
        elif problem["type"] == "string_pattern_mismatch" and field == "name":
            message = f"may hold lower-case letters, digits and hyphens, 48 at most (it is {problem['input']!r})"[:300]
        elif problem["type"] != "value_error":
            message = f"{message} (it is {reprlib.repr(problem['input'])})"[:300]
        problems.append(f"{field}: {message}" if field else message)
    if len(found) > MAX_PROBLEMS_TOLD:
        problems.append(f"and {len(found) - MAX_PROBLEMS_TOLD:,} more")
    return f"{where}: {'; '.join(problems)}."


def _nodes(value: object) -> Iterator[object]:
    """Yield a value and all that is in it, a little more than MAX_NODES at most."""
    pending = [value]
    for _ in range(MAX_NODES + 1):
        if not pending:
            return
        node = pending.pop()
        yield node
        if isinstance(node, Mapping):
            pending += [*node.keys(), *node.values()][:MAX_NODES]
        elif isinstance(node, list | tuple | set):
            pending += list(node)[:MAX_NODES]


def _holds_integers(low: float, high: float, smallest: int, largest: int) -> bool:
    return math.ceil(low) <= math.floor(high) and smallest <= math.ceil(low) and math.floor(high) <= largest


SECTIONS: Mapping[str, type[BaseModel]] = {
    "": Manifest, "inputs": InputSpec, "axes": AxisSizes, "preprocess": Preprocess, "optimize": Optimize,
}  # fmt: skip


def _known_fields(field: str, sections: Mapping[str, type[BaseModel]]) -> list[str]:
    top, _, rest = field.partition(".")
    section = sections.get(top if rest else "", sections[""])
    return sorted(section.model_fields)
