"""Says which weights were converted to the dtype of the architecture, and refuses a conversion that loses numbers."""

from collections.abc import Collection, Mapping

import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_forms import quantized_message
from model_tools.packaging.checkpoint.weight_names import listed
from model_tools.tensors.dtypes import DTYPE_NAMES


def cast_notes(state: Mapping[str, object], expected: Mapping[str, object], where: str) -> list[str]:
    """Return a sentence for each pair of dtypes that a file and the architecture have for the same weights.

    Floating-point weights may be converted between their dtypes. Raises CheckpointRejected where a number would be
    lost: where it becomes infinite, or changes in an integer or real dtype.
    """
    pairs: dict[tuple[torch.dtype, torch.dtype], list[str]] = {}
    lost = []
    for name, value in state.items():
        wanted = expected.get(name)
        if not isinstance(value, torch.Tensor) or not isinstance(wanted, torch.Tensor) or value.dtype == wanted.dtype:
            continue
        pairs.setdefault((value.dtype, wanted.dtype), []).append(name)
        if not _survives(value, wanted.dtype):
            lost.append(f"{name} ({_named(value.dtype)} to {_named(wanted.dtype)})")
    if lost:
        raise CheckpointRejected(
            f"{where} has numbers that the dtype of the architecture cannot hold, in {listed(lost)}: build the "
            "architecture in the dtype that the model was trained in."
        )
    return [
        f"Converted from {_named(held)}, the file's dtype, to {_named(wanted)}, the architecture's: {listed(names)}."
        for (held, wanted), names in pairs.items()
    ]


def refuse_integer_parameters(
    state: Mapping[str, object], expected: Mapping[str, object], parameters: Collection[str], where: str
) -> None:
    """Raise CheckpointRejected for integers in the place of floating-point parameters, as quantising by hand leaves.

    The scale by which they would become weights again is known to training's code alone. Zeros and ones are accepted:
    they are the same numbers in every dtype.
    """
    integers = [
        name
        for name, value in state.items()
        if name in parameters
        and isinstance(value, torch.Tensor)
        and not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool)
        and isinstance(wanted := expected.get(name), torch.Tensor)
        and wanted.is_floating_point()
        and not bool(((value == 0) | (value == 1)).all())
    ]
    if integers:
        raise CheckpointRejected(quantized_message(where, integers))


def _survives(value: torch.Tensor, wanted: torch.dtype) -> bool:
    if value.dtype.is_complex and not wanted.is_complex:
        return not bool(value.imag.any()) and _survives(value.real, wanted)
    cast = value.to(wanted)
    if value.is_floating_point() and (wanted.is_floating_point or wanted.is_complex):
        return bool((torch.isfinite(cast) | ~torch.isfinite(value)).all())
    return torch.equal(cast.to(value.dtype), value)


def _named(dtype: torch.dtype) -> str:
    return DTYPE_NAMES.get(dtype, str(dtype).removeprefix("torch."))
