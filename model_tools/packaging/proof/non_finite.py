"""Refuses answers of the trained model that JSON cannot say, and tells why a model may give them."""

from collections.abc import Iterator

import torch

from model_tools.errors import ParityFailed
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.model_outputs import Outputs

MOST_NAMED = 5
"""The largest number of indices that a message names."""
REMEDIES = {
    "NaN": (
        "NaN comes from 0/0, inf - inf, a root or logarithm of a negative number, memory that torch.empty gives and "
        "nothing fills, or a softmax over values that are all masked with -inf; the weights themselves are finite. "
        "Look in forward for the first of these, and give it a small eps or a mask with a finite number. If only "
        "inputs that make no sense lead there, say in publish.yaml which values make sense (inputs: range)."
    ),
    "-inf": (
        "An answer is JSON, which has no infinity. If -inf masks values, mask with a finite number instead, such as "
        "-1e9 or torch.finfo(scores.dtype).min, or let forward answer probabilities, where a masked value is 0. If it "
        "is the logarithm of 0, add a small eps before it."
    ),
    "inf": (
        "An answer is JSON, which has no infinity. Something overflows or is divided by 0, the weights themselves are "
        "finite: bound it in forward, for example with clamp, or mask with a finite number such as 1e9. If only inputs "
        "that make no sense lead there, say in publish.yaml which values make sense (inputs: range)."
    ),
}
"""What to do about each kind of value that is not finite."""


def refuse_non_finite_answer(outputs: Outputs, case: Case) -> None:
    """Raise ParityFailed, which names the output and the place, if an answer holds NaN or an infinite value."""
    for name, tensor in zip(outputs.names, outputs.tensors, strict=True):
        for kind, places in _non_finite(tensor):
            first = places.nonzero()[0].tolist()
            output = f"output {name}" if name else "its output"
            raise ParityFailed(
                f"The model answers {kind} in {output}{f' at {first}' if first else ''}"
                f"{_everywhere(places, first)} to {case.label}. {REMEDIES[kind]}"
            )


def _non_finite(tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    if tensor.is_floating_point():
        found = {"NaN": tensor.isnan(), "-inf": tensor.isneginf(), "inf": tensor.isposinf()}
        yield from ((kind, places) for kind, places in found.items() if bool(places.any()))


def _everywhere(places: torch.Tensor, first: list[int]) -> str:
    """Say that the values stand at one index of the last axis alone, which is a class of a classifier."""
    if places.dim() > 1 and bool(places[..., first[-1]].all()):
        columns = places.reshape(-1, places.shape[-1]).all(0)
        if bool((places == columns).all()):
            found = columns.nonzero().flatten().tolist()
            named = ", ".join(str(index) for index in found[:MOST_NAMED]) + (", …" if len(found) > MOST_NAMED else "")
            return f" (in every row, at index {named} of the last axis, counted from 0, and nowhere else)"
    return "" if not places.dim() else f" ({int(places.sum())} of {places.numel()} values)"
