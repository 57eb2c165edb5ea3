"""Knows which of a model's weights are one tensor, or share memory, so that a file may name any of them."""

from collections.abc import Collection, Mapping
from typing import TypeGuard

import torch
from torch.nn.parameter import is_lazy

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_names import listed


def shared_names(state: Mapping[str, object]) -> dict[str, str]:
    """Return a label for each weight of a model that is one tensor with another weight, as tied weights are."""
    groups: dict[object, list[str]] = {}
    for name, tensor in state.items():
        if _has_memory(tensor):
            view = (_memory(tensor), tensor.storage_offset(), tensor.shape, tensor.stride())
            groups.setdefault(view, []).append(name)
    return {name: names[0] for names in groups.values() if len(names) > 1 for name in names}


def refuse_contradictions(model_state: Mapping[str, object], loaded: Mapping[str, torch.Tensor], where: str) -> None:
    """Raise CheckpointRejected when weights that share memory in the model have different numbers in the file.

    `model_state` is the model's state dict after loading: of such weights, the last that was loaded has overwritten the
    others.
    """
    groups: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in model_state.items():
        if _has_memory(tensor) and isinstance(loaded.get(name), torch.Tensor):
            groups.setdefault(_memory(tensor), {})[name] = tensor
    for held in groups.values():
        if len(held) > 1 and not all(_equal(loaded[name], tensor) for name, tensor in held.items()):
            raise CheckpointRejected(
                f"{where} has different numbers for {' and '.join(list(held)[:5])}, which are one tensor in the "
                "architecture: build it without sharing them, as the model was when it was trained."
            )


def tied_note(shared: Mapping[str, str], held: Collection[str]) -> str | None:
    """Return the sentence that says which weights were filled through the tensor that they share; None if none were."""
    filled = [name for name in shared if name not in held]
    if not filled:
        return None
    pairs = [f"{name} is {next(other for other in shared if other in held and shared[other] == shared[name])}"
             for name in filled]  # fmt: skip
    return f"Weights that the architecture shares are in the file under one name: {listed(pairs)}."


def _has_memory(tensor: object) -> TypeGuard[torch.Tensor]:
    return (
        isinstance(tensor, torch.Tensor)
        and not is_lazy(tensor)
        and tensor.layout == torch.strided
        and not tensor.is_meta
        and tensor.numel() > 0
    )


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _equal(value: torch.Tensor, loaded: torch.Tensor) -> bool:
    return value.shape == loaded.shape and torch.equal(value.to(loaded.dtype), loaded)
