"""A model's answers during the proof, by which a spec decides whether the model can be served. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from model_tools.errors import ClassesMismatch, TraceFailed


@dataclass(frozen=True)
class AnsweredTensor:
    """The name, type and shape of a tensor in an answer."""

    name: str
    """The tensor's key in a dict, its index in a tuple; empty when the tensor is the whole answer."""
    dtype: str
    shape: list[int]


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


def require_tensor(answered: AnsweredCase, who: str, form: str, *, fits: bool, integers: bool = False) -> None:
    """Raise TraceFailed unless the answer is one tensor of floats (with `integers`, of any numbers) and `fits`."""
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
