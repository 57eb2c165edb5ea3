"""Takes a model's answer apart: one tensor, a tuple or list of tensors, or a dict of tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from model_tools.errors import TraceFailed
from model_tools.packaging.proof.answer_forms import part_text, tensor_text, whole_answer_text


@dataclass(frozen=True)
class Outputs:
    """The structure of a model's answer, and its tensors with their names."""

    structure: Literal["tensor", "tuple", "dict"]
    names: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]


def take_apart(answer: Any) -> Outputs:
    """Return an answer's tensors with their names. Raises TraceFailed for an answer that cannot be served."""
    if isinstance(answer, torch.Tensor):
        return Outputs("tensor", ("",), (_plain("The model's answer", answer),))
    if isinstance(answer, Mapping):
        items = {str(key): _plain(f"The model's output {key!r}", value) for key, value in answer.items()}
        if items:
            return Outputs("dict", tuple(items), tuple(items.values()))
    elif isinstance(answer, tuple | list) and answer:
        tensors = tuple(_plain(f"The model's output {index}", value) for index, value in enumerate(answer))
        return Outputs("tuple", tuple(str(index) for index in range(len(tensors))), tensors)
    raise TraceFailed(whole_answer_text(answer))


def _plain(what: str, value: object) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise TraceFailed(part_text(what, value))
    if told := tensor_text(what, value):
        raise TraceFailed(told)
    return value
