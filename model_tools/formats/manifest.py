"""`publish.yaml`: the manifest that travels with a checkpoint and says how to publish it.

It owns the manifest's fields, their defaults and what is said about a wrong one. It reads text, never a file.
"""

import math
import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, Field, JsonValue, StringConstraints, ValidationError, field_validator, model_validator

from model_tools.errors import ManifestInvalid
from model_tools.formats.sections import (
    Axis,
    AxisSizes,
    Custom,
    Embedding,
    InputSpec,
    Optimize,
    Preprocess,
    Results,
    Section,
    Text,
    require_inside,
)

MANIFEST_NAME = "publish.yaml"
MAX_MANIFEST_BYTES = 1 << 20
"""A manifest is read whole into memory; a larger file is something else."""

Task = Literal["image-classification", "tensor", "tabular", "text-to-text", "embedding", "custom"]
Library = Literal["torch", "xgboost"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
EXECUTABLE_CHECKPOINTS = (".pt2",)
TREE_CHECKPOINTS = (".json", ".ubj")
"""What XGBoost's `save_model` writes."""
CHECKPOINT_SUFFIXES = (".pt", ".pth", ".pt2", ".safetensors", *TREE_CHECKPOINTS)
SURROGATE = re.compile("[\ud800-\udfff]")
"""What no UTF-8 can say, so no JSON that is stored."""
MAX_PROBLEMS_TOLD = 10
MAX_FIELD_LENGTH = 200
"""Step Functions cuts a cause off at 32,768 characters."""
MAX_NODES = 100_000
"""Values in a manifest, counted as often as an alias repeats them: a few lines of YAML can stand for billions."""

SECTIONS_OF: Mapping[Task, frozenset[str]] = {
    "image-classification": frozenset({"classes", "preprocess"}),
    "tensor": frozenset({"classes"}),
    "tabular": frozenset({"classes"}),
    "text-to-text": frozenset({"text"}),
    "embedding": frozenset({"embedding", "preprocess", "text"}),
    "custom": frozenset({"classes", "custom", "preprocess"}),
}
"""The optional sections that mean something for each kind of task."""
REQUIRED_SECTIONS: Mapping[Task, tuple[str, ...]] = {
    "image-classification": ("classes", "preprocess"), "text-to-text": ("text",), "custom": ("custom", "samples"),
}  # fmt: skip


class Manifest(Section):
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
    text: Text | None = None
    embedding: Embedding | None = None
    custom: Custom | None = None
    results: Results | None = None
    samples: str | None = None
    optimize: Optimize = Field(default_factory=Optimize)

    @field_validator("checkpoint", "classes", "samples")
    @classmethod
    def _inside_the_folder(cls, value: str | None) -> str | None:
        return require_inside(value)

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
        problem = _checkpoint_problem(self) or _sections_problem(self) or _text_problem(self)
        if problem:
            raise ValueError(problem)
        unused = set(self.axes) - {axis for spec in self.inputs for axis in spec.shape if isinstance(axis, str)}
        if unused:
            msg = f"axes names {', '.join(sorted(unused))}, which no input's shape uses"
            raise ValueError(msg)
        return self

    @property
    def library(self) -> Library:
        """The library that runs the model, and so the runtime bundle that it needs."""
        return "xgboost" if self.checkpoint.endswith(TREE_CHECKPOINTS) else "torch"

    @property
    def named_files(self) -> dict[str, str]:
        """The files of the folder that the manifest names, by field; globs are not among them."""
        named = {"checkpoint": self.checkpoint, "classes": self.classes}
        if self.text is not None:
            named |= {
                "text.source_vocabulary": self.text.source_vocabulary,
                "text.target_vocabulary": self.text.target_vocabulary,
            }
        if self.custom is not None:
            named |= {"custom.predictor": self.custom.predictor, "custom.requirements": self.custom.requirements}
        return {field: path for field, path in named.items() if path is not None}

    def axis_sizes(self, axis: str) -> AxisSizes:
        """Return the sizes that the named dynamic axis may take (1 to 4 unless `axes` says otherwise)."""
        return self.axes.get(axis, AxisSizes())


def _checkpoint_problem(manifest: Manifest) -> str | None:
    checkpoint, named = manifest.checkpoint, manifest.architecture is not None
    if not checkpoint.endswith(CHECKPOINT_SUFFIXES):
        return f"checkpoint must end in {', '.join(CHECKPOINT_SUFFIXES)}"
    if checkpoint.endswith(".safetensors") and not named:
        return "a .safetensors file holds weights only: name the code as architecture: module:Callable"
    if checkpoint.endswith(EXECUTABLE_CHECKPOINTS) and named:
        return "a .pt2 file brings its own graph: remove architecture"
    if manifest.arguments and not named:
        return "arguments are for an architecture, and none is named: remove them or add architecture"
    return _trees_problem(manifest) if manifest.library == "xgboost" else None


def _trees_problem(manifest: Manifest) -> str | None:
    """Tell what cannot be said of gradient-boosted trees: they have no code, and take one table of numbers."""
    if manifest.task != "tabular":
        return f"{manifest.checkpoint} is an XGBoost model, which is published with task: tabular"
    if manifest.architecture is not None:
        return "an XGBoost model needs no architecture: remove it"
    if manifest.optimize != Optimize():
        return "optimize is for PyTorch models: remove it"
    shape = manifest.inputs[0].shape
    if len(manifest.inputs) != 1 or len(shape) != 2 or not isinstance(shape[1], int):  # noqa: PLR2004 (rows, columns)
        return "an XGBoost model takes one table: write inputs: [{shape: [batch, <number of features>]}]"
    return None


def _sections_problem(manifest: Manifest) -> str | None:
    missing = [field for field in REQUIRED_SECTIONS.get(manifest.task, ()) if getattr(manifest, field) is None]
    if missing:
        return f"task {manifest.task} needs {' and '.join(missing)}"
    optional = frozenset().union(*SECTIONS_OF.values())
    for field in sorted(optional - SECTIONS_OF[manifest.task]):
        if getattr(manifest, field) is not None:
            tasks = ", ".join(task for task, fields in SECTIONS_OF.items() if field in fields)
            return f"{field} means nothing for task {manifest.task}: remove it, or correct task ({tasks})"
    if manifest.preprocess is not None and manifest.text is not None:
        return "a model takes images or text: remove preprocess or text"
    return None


def _text_problem(manifest: Manifest) -> str | None:
    """Tell what does not fit between a model of text and what it is given: token ids, [batch, tokens]."""
    if manifest.text is None:
        return None
    wanted = {"text-to-text": 2, "embedding": 1}[manifest.task]
    if (manifest.text.target_vocabulary is not None) != (manifest.task == "text-to-text"):
        return "text.target_vocabulary belongs to task text-to-text, which writes text; no other task does"
    if len(manifest.inputs) != wanted or any(
        spec.dtype != "int64" or len(spec.shape) != 2 or not isinstance(spec.shape[1], str)  # noqa: PLR2004 (N, tokens)
        for spec in manifest.inputs
    ):
        names = ("source", "target")[:wanted]
        shapes = ", ".join(f"{{shape: [batch, {name}], dtype: int64, range: [0, <last id>]}}" for name in names)
        return f"a model of text takes token ids: write inputs: [{shapes}]"
    return None


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


SECTIONS: Mapping[str, type[BaseModel]] = {
    "": Manifest, "inputs": InputSpec, "axes": AxisSizes, "preprocess": Preprocess, "text": Text,
    "embedding": Embedding, "custom": Custom, "results": Results, "optimize": Optimize,
}  # fmt: skip


def _known_fields(field: str, sections: Mapping[str, type[BaseModel]]) -> list[str]:
    top, _, rest = field.partition(".")
    section = sections.get(top if rest else "", sections[""])
    return sorted(section.model_fields)
