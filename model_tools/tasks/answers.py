"""A model's answers during the proof, by which a spec decides whether the model can be served. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from model_tools.errors import ClassesMismatch, TraceFailed

BINARY_CLASSES = 2
"""Classes of a model that answers one number a row: the logit, or the probability, of the second of two."""


@dataclass(frozen=True)
class ObservedValues:
    """The values of a tensor in an answer, as far as they are finite; a row lies along the tensor's last axis."""

    smallest: float
    largest: float
    row_sums: tuple[float, float] | None = None
    """The smallest and the largest sum of a row; None for integers."""
    row_sums_of_exponentials: tuple[float, float] | None = None
    """The same for the rows of e to the power of each value; None for a tensor with values above 0."""


@dataclass(frozen=True)
class AnsweredTensor:
    """The name, type and shape of a tensor in an answer."""

    name: str
    """The tensor's key in a dict, its index in a tuple; empty when the tensor is the whole answer."""
    dtype: str
    shape: list[int]
    values: ObservedValues | None = None
    """None where no value is finite, or where the values were not observed."""


@dataclass(frozen=True)
class AnsweredCase:
    """A model's answer to one case of the proof, and the vocabulary or classes that the answer must fit."""

    structure: Literal["tensor", "tuple", "dict"]
    tensors: Sequence[AnsweredTensor]
    input_shapes: Sequence[list[int]]
    """The shapes of the case's inputs."""
    classes: Sequence[str] | None = None
    """The lines of the classes file; None for a model without such a file."""
    classes_file: str = "classes"
    """The name of the classes file in messages."""
    target_tokens: int | None = None
    """The length of the target vocabulary; None where the task writes no text."""

    @property
    def first(self) -> AnsweredTensor:
        """The first tensor."""
        return self.tensors[0]


ROW_AXES = 2
"""The axes of an answer with a row of values for each row of the input."""


def require_tensor(answered: AnsweredCase, who: str, form: str, *, fits: bool, integers: bool = False) -> None:
    """Raise TraceFailed unless the answer is one tensor of floats (with `integers`, of any numbers) and `fits`."""
    if answered.structure == "tensor" and fits and (integers or answered.first.dtype.startswith(("float", "bfloat"))):
        return
    shape, kept = answered.first.shape, ""
    if len(shape) > ROW_AXES and math.prod(shape[ROW_AXES:]) == 1:
        kept = ", ended with .flatten(1), which leaves the axes of size 1 out"
    elif answered.structure == "tensor":
        kept = " and keep its batch axis, which squeeze() drops from a batch of one"
    raise TraceFailed(
        f"{who} answers one tensor {form} of {'numbers' if integers else 'floats'}; to inputs of "
        f"{', '.join(str(shape) for shape in answered.input_shapes)} this model answers a {answered.structure} with "
        f"{answered.first.dtype} of shape {answered.first.shape}: let forward return that tensor alone{kept}; or "
        "publish with task: tensor."
    )


def check_names(names: Sequence[str], width: int, *, where: str, or_else: str = "") -> None:
    """Raise ClassesMismatch unless the names fit a classifier that answers `width` values for each row.

    One value tells two classes apart. `or_else` is a further remedy for a model of one value.
    """
    if width != 1:
        check_width(names, width, where=where)
    elif len(names) != BINARY_CLASSES:
        raise ClassesMismatch(
            f"{where} names {len(names)} class{'' if len(names) == 1 else 'es'}, and the model answers one value for "
            "each row, which can only tell two classes apart: write two names, in line 1 the class of the smallest "
            f"values and in line 2 the class of the largest{or_else}."
        )


def check_some_width(answered: AnsweredCase) -> None:
    """Raise ClassesMismatch if no output has one value for each class, for a task that answers outputs as they are.

    The classes lie along an output's second axis or along its last one; they may also name an output of one value.
    """
    names = answered.classes
    if names is None:
        return
    widths = [
        width
        for tensor in answered.tensors
        for width in ((tensor.shape[1], tensor.shape[-1]) if len(tensor.shape) > 1 else (1,))
    ]
    if len(names) in widths or (1 in widths and len(names) == BINARY_CLASSES):
        return
    check_width(names, widths[0], where=answered.classes_file)


def check_width(names: Sequence[str], width: int, *, where: str) -> None:
    """Raise ClassesMismatch unless there is one name for each value that the model answers."""
    if len(names) < width:
        raise ClassesMismatch(
            f"{where} names {len(names)} classes, the model answers {width} values: add the {width - len(names)} "
            "missing name(s), in the order of the model's outputs."
        )
    if len(names) > width:
        raise ClassesMismatch(
            f"{where} names {len(names)} classes, the model answers {width} values: remove {len(names) - width} "
            "name(s), or publish the checkpoint that was trained for all of them."
        )
