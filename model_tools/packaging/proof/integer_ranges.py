"""Finds which integers a model takes as an input without a range, such as the ids of an embedding."""

from collections.abc import Sequence
from typing import Any

import torch

from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import InputSpec
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.example_inputs import UNKNOWN_INTEGERS, draw_inputs
from model_tools.tensors.dtypes import DTYPES

LARGEST: dict[str, int] = {"uint8": 255, "int32": (1 << 16) - 1, "int64": (1 << 16) - 1}
"""The largest integer that is tried, by dtype."""


def with_integer_ranges(model: Any, manifest: Manifest, case: Case) -> tuple[Manifest, list[str]]:
    """Return the manifest with the ranges of integers that were found by asking the model, and notes on them.

    An input without a range is filled with larger and larger numbers, in the shapes of the case, until the model fails.
    An input that takes every number that is tried, such as a count, stays without a range, and so does one for which
    the model fails at once.
    """
    specs = list(manifest.inputs)
    notes = []
    for index, spec in enumerate(specs):
        if spec.range is not None or spec.dtype == "bool" or DTYPES[spec.dtype].is_floating_point:
            continue
        largest = _largest(model, specs, index, case)
        if largest is not None and largest < LARGEST[spec.dtype]:
            specs[index] = spec.model_copy(update={"range": (0.0, float(largest))})
        low, high = specs[index].range or UNKNOWN_INTEGERS
        notes.append(
            f"inputs.{index}.range is missing: parity was proved with integers from {low:g} to {high:g}"
            + ("." if specs[index].range is None else ", the largest that the model takes.")
            + " If it is asked for others, say so in publish.yaml (range: [smallest, largest])."
        )
    return manifest.model_copy(update={"inputs": specs}), notes


def _largest(model: Any, specs: Sequence[InputSpec], index: int, case: Case) -> int | None:
    """Return the largest integer that the model takes as an input; None if it takes not even 1."""
    end = LARGEST[specs[index].dtype]
    takes, fails = 0, 1
    while takes < end and _takes(model, specs, index, case, fails):
        takes, fails = fails, min(2 * fails + 1, end + 1)
    while fails - takes > 1:
        middle = (takes + fails) // 2
        takes, fails = (middle, fails) if _takes(model, specs, index, case, middle) else (takes, middle)
    return takes or None


def _takes(model: Any, specs: Sequence[InputSpec], index: int, case: Case, number: int) -> bool:
    ranges = [spec.range or (0, 1) for spec in specs]
    ranges[index] = (number, number)
    inputs = draw_inputs(
        case, [spec.model_copy(update={"range": each}) for spec, each in zip(specs, ranges, strict=True)]
    )
    try:
        with torch.no_grad():
            model(*inputs)
    except Exception:  # noqa: BLE001 (code of a model may raise anything for a number that it does not take)
        return False
    return True
