"""Says which weights were converted to the dtype of the architecture, and refuses a conversion that loses numbers."""

from collections.abc import Mapping

import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_names import listed
from model_tools.tensors.dtypes import DTYPE_NAMES


def cast_notes(state: Mapping[str, object], expected: Mapping[str, object], where: str) -> list[str]:
    """Return a sentence for each pair of dtypes that a file and the architecture have for the same weights.

    Floating-point weights may be converted between their dtypes. Raises CheckpointRejected where a number would be
    lost: where it becomes infinite, or changes in an integer or real dtype; and for matrices of 8-bit integers in place
    of floats, which are quantised by a scale that is not known.
    """
    pairs: dict[tuple[torch.dtype, torch.dtype], list[str]] = {}
    lost, quantised = [], []
    for name, value in state.items():
        wanted = expected.get(name)
        if not isinstance(value, torch.Tensor) or not isinstance(wanted, torch.Tensor) or value.dtype == wanted.dtype:
            continue
        pairs.setdefault((value.dtype, wanted.dtype), []).append(name)
        if _is_quantised(value, wanted):
            quantised.append(name)
        if not _survives(value, wanted.dtype):
            lost.append(f"{name} ({_named(value.dtype)} to {_named(wanted.dtype)})")
    if quantised:
        raise CheckpointRejected(
            f"{where} has 8-bit integers where the architecture has floats, in {listed(quantised)}: these are "
            "quantised weights, and the scale that they are to be multiplied by is not known. Save the weights as they "
            "were before quantising, and publish with optimize: {quantize: dynamic-int8}."
        )
    if lost:
        raise CheckpointRejected(
            f"{where} has numbers that the dtype of the architecture cannot hold, in {listed(lost)}: build the "
            "architecture in the dtype that the model was trained in."
        )
    return [
        f"Converted from {_named(held)}, the file's dtype, to {_named(wanted)}, the architecture's: {listed(names)}."
        for (held, wanted), names in pairs.items()
    ]


def _is_quantised(value: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Tell whether a tensor has quantised weights, and not a mask of 0 and 1."""
    bytes_of_floats = value.dtype in (torch.int8, torch.uint8) and wanted.is_floating_point()
    return bytes_of_floats and value.dim() > 1 and bool(((value != 0) & (value != 1)).any())


def _survives(value: torch.Tensor, wanted: torch.dtype) -> bool:
    if value.dtype.is_complex and not wanted.is_complex:
        return not bool(value.imag.any()) and _survives(value.real, wanted)
    cast = value.to(wanted)
    if value.is_floating_point() and (wanted.is_floating_point or wanted.is_complex):
        return bool((torch.isfinite(cast) | ~torch.isfinite(value)).all())
    return torch.equal(cast.to(value.dtype), value)


def _named(dtype: torch.dtype) -> str:
    return DTYPE_NAMES.get(dtype, str(dtype).removeprefix("torch."))
