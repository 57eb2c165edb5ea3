"""`publish.yaml`: the manifest that travels with a checkpoint and says how to publish it.

This module owns the fields, their defaults and the messages about wrong ones. The further demands of a kind of task
stand in its spec; model_tools.tasks.manifests reads a manifest with both.
"""

import math
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, JsonValue, StringConstraints, ValidationError, field_validator, model_validator

from model_tools.formats.paths import named_path
from model_tools.formats.sections import (
    Axis,
    AxisSizes,
    InputSpec,
    Optimize,
    Preprocess,
    Results,
    Scores,
    Section,
    Text,
)
from model_tools.formats.shards import shard_problem
from model_tools.formats.yaml_text import walk

MANIFEST_NAME = "publish.yaml"
MAX_MANIFEST_BYTES = 1 << 20
"""A manifest is read whole into memory; a larger file is certainly no manifest."""

TaskName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
"""A name in the list of tasks, which is model_tools/tasks/registry.py."""
Library = Literal["torch", "xgboost"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
EXECUTABLE_CHECKPOINTS = (".pt2",)
"""The endings of files that bring the model's graph, so that no architecture is needed."""
TREE_CHECKPOINTS = (".json", ".ubj")
"""The endings of files that XGBoost's `save_model` writes."""
CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".pth.tar", ".bin", ".pt2", ".safetensors", *TREE_CHECKPOINTS)
FOREIGN_CHECKPOINTS = {
    (".model", ".bst"): (
        " (save a model of XGBoost with booster.save_model('model.json'); XGBoost 2.1 and newer writes UBJSON to a "
        "file of another ending: rename that to .ubj)"
    ),
    (".pkl", ".pickle", ".joblib"): (
        " (a pickle can run code when it is loaded, so load it where it was trained: save a model of XGBoost with "
        "model.save_model('model.json'), a PyTorch model with torch.save(model.state_dict(), 'checkpoint.pt'))"
    ),
}
"""The way to save a model as a checkpoint, by the endings of files that hold models in other formats."""
SHARED_SECTIONS = ("classes", "preprocess", "text")
"""The optional sections that several kinds of tasks use and the others do not."""
MAX_PROBLEMS_TOLD = 10
"""The number of problems that one message lists; the rest is counted."""
MAX_FIELD_LENGTH = 200
"""Characters of a field's name in a message. Step Functions cuts a cause off at 32,768 characters."""


class Manifest(Section):
    """A validated `publish.yaml`."""

    name: Name
    task: TaskName
    checkpoint: str
    architecture: str | None = None
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    inputs: list[InputSpec] = Field(min_length=1, max_length=16)
    axes: dict[Axis, AxisSizes] = Field(default_factory=dict)
    classes: str | None = None
    scores: Scores | None = None
    """The meaning of a classifier's outputs; None lets the proof tell it from the trained model's answers."""
    preprocess: Preprocess | None = None
    text: Text | None = None
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """The task's own section with its defaults filled in; the task's spec gives its name in publish.yaml and fields."""
    results: Results | None = None
    samples: str | None = None
    optimize: Optimize = Field(default_factory=Optimize)

    @field_validator("checkpoint", "classes", "samples")
    @classmethod
    def _inside_the_folder(cls, value: str | None) -> str | None:
        return named_path(value)

    @field_validator("arguments")
    @classmethod
    def _arguments_that_json_can_hold(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name, argument in value.items():
            if not name.isidentifier():
                raise ValueError(f"{name!r} cannot be the name of an argument: correct it")
            if any(isinstance(node, float) and not math.isfinite(node) for node in walk(argument)):
                raise ValueError(f"{name} is infinite or not a number: set it in the architecture's code")
        return value

    @field_validator("architecture")
    @classmethod
    def _module_and_callable(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", value):
            raise ValueError(f"{value!r} is not of the form module:Callable")
        return value

    @model_validator(mode="after")
    def _fields_that_belong_together(self) -> Self:
        problem = _checkpoint_problem(self)
        if problem:
            raise ValueError(problem)
        unused = set(self.axes) - {axis for spec in self.inputs for axis in spec.shape if isinstance(axis, str)}
        if unused:
            raise ValueError(f"axes names {', '.join(sorted(unused))}, which no input's shape uses")
        return self

    @property
    def library(self) -> Library:
        """The library that runs the model; the runtime bundle of the same name brings it."""
        return "xgboost" if self.checkpoint.endswith(TREE_CHECKPOINTS) else "torch"

    @property
    def named_files(self) -> dict[str, str]:
        """The files that the shared fields name, by field; model_tools.tasks.manifests adds those of the task."""
        named = {"checkpoint": self.checkpoint, "classes": self.classes}
        if self.text is not None:
            named |= {
                "text.source_vocabulary": self.text.source_vocabulary,
                "text.target_vocabulary": self.text.target_vocabulary,
            }
        return {field: path for field, path in named.items() if path is not None}

    def axis_sizes(self, axis: str) -> AxisSizes:
        """Return the sizes that the named dynamic axis may take (1 to 4 unless `axes` says otherwise)."""
        return self.axes.get(axis, AxisSizes())


def _checkpoint_problem(manifest: Manifest) -> str | None:
    checkpoint, named = manifest.checkpoint, manifest.architecture is not None
    if not checkpoint.endswith(CHECKPOINT_SUFFIXES):
        save = next((save for endings, save in FOREIGN_CHECKPOINTS.items() if checkpoint.endswith(endings)), "")
        return f"checkpoint must end in {', '.join(CHECKPOINT_SUFFIXES)}{save}"
    if (problem := shard_problem(checkpoint)) is not None:
        return f"checkpoint: {problem}"
    if checkpoint.endswith(".safetensors") and not named:
        return "a .safetensors file holds weights only: name the code as architecture: module:Callable"
    if checkpoint.endswith(EXECUTABLE_CHECKPOINTS) and named:
        return "a .pt2 file brings its own graph: remove architecture"
    if manifest.arguments and not named:
        return "arguments are for an architecture, and none is named: remove them or add architecture"
    return None


def explain(error: ValidationError, where: str, sections: Mapping[str, type[BaseModel]]) -> str:
    """Return one message that names each field that pydantic refused, what is wrong and the remedy.

    `sections` maps each field to the model of its contents; the key "" stands for the outermost model.
    """
    return render_problems(problems_of(error, sections), where)


def render_problems(problems: Sequence[str], where: str) -> str:
    """Return one message of several problems."""
    more = [f"and {len(problems) - MAX_PROBLEMS_TOLD:,} more"] if len(problems) > MAX_PROBLEMS_TOLD else []
    return f"{where}: {'; '.join([*problems[:MAX_PROBLEMS_TOLD], *more])}."


def problems_of(
    error: ValidationError, sections: Mapping[str, type[BaseModel]], *, within: str | None = None
) -> list[str]:
    """Return a phrase for each field that pydantic refused; `within` names the field around the validated part."""
    problems = []
    for problem in error.errors(include_url=False, include_context=False):
        inner = ".".join(str(part) for part in problem["loc"])[:MAX_FIELD_LENGTH]
        field = ".".join(filter(None, (within, inner)))
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            message = "is missing: add it"
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(_known_fields(inner, sections))
            message = f"is not a field of it: remove it or correct its spelling ({known})"
        elif problem["type"] == "string_pattern_mismatch" and field == "name":
            message = f"may hold lower-case letters, digits and hyphens, 48 at most (it is {problem['input']!r})"[:300]
        elif problem["type"] != "value_error":
            message = f"{message} (it is {reprlib.repr(problem['input'])})"[:300]
        problems.append(f"{field}: {message}" if field else message)
    return problems


SECTIONS: Mapping[str, type[BaseModel]] = {
    "": Manifest, "inputs": InputSpec, "axes": AxisSizes, "preprocess": Preprocess, "text": Text,
    "results": Results, "optimize": Optimize,
}  # fmt: skip
"""The model of each section's contents, by the section's field; the key "" stands for the manifest itself."""


def _known_fields(field: str, sections: Mapping[str, type[BaseModel]]) -> list[str]:
    top, _, rest = field.partition(".")
    section = sections.get(top if rest else "", sections[""])
    return sorted(section.model_fields)
