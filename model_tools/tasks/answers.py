"""What a model answered while it was proved, for a spec to tell whether serving can make an answer of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from model_tools.errors import ClassesMismatch, TraceFailed


@dataclass(frozen=True)
class AnsweredTensor:
    """One tensor of an answer."""

    name: str
    """Its key in a dict, its index in a tuple, empty when it is the answer itself."""
    dtype: str
    shape: list[int]


@dataclass(frozen=True)
class AnsweredCase:
    """A model's answer to one case, and the names that it must fit."""

    structure: Literal["tensor", "tuple", "dict"]
    tensors: Sequence[AnsweredTensor]
    input_shapes: Sequence[list[int]]
    """The shapes of the inputs that were answered."""
    classes: Sequence[str] | None = None
    """The lines of the classes file; None without one."""
    classes_file: str = "classes"
    """The name of that file in messages."""
    target_tokens: int | None = None
    """The length of the target vocabulary; None where the task writes no text."""

    @property
    def first(self) -> AnsweredTensor:
        """The first tensor."""
        return self.tensors[0]


def require_tensor(answered: AnsweredCase, who: str, form: str, *, fits: bool, integers: bool = False) -> None:
    """Raise TraceFailed unless the answer is one tensor of floats (or of any numbers) that `fits` the form."""
    if answered.structure == "tensor" and fits and (integers or answered.first.dtype.startswith(("float", "bfloat"))):
        return
    raise TraceFailed(
        f"{who} answers one tensor {form} of {'numbers' if integers else 'floats'}; this model answers a "
        f"{answered.structure} with {answered.first.dtype} of shape {answered.first.shape}: let forward return that "
        "tensor alone, or publish with task: tensor."
    )


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
