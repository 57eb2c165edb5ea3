"""Checks nested lists of numbers against a model's input and packs them as bytes, without any library."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from model_tools.formats.sections import AxisSizes, Dtype, InputSpec
from model_tools.serving.requests import BadRequest

MAX_AXES = 8
"""The largest number of axes that a manifest's shape may have."""
CODES: Mapping[Dtype, str] = {
    "float32": "f", "float64": "d", "float16": "d", "bfloat16": "d",
    "int64": "q", "int32": "i", "uint8": "B", "bool": "B",
}  # fmt: skip
"""The `struct` code that packs numbers of each type: that of the type, or of a wider one for types `struct` lacks."""


@dataclass(frozen=True)
class PackedNumbers:
    """The bytes of an array in C's order, the last axis fastest, and its shape."""

    shape: tuple[int, ...]
    data: bytearray


class NumbersReader:
    """Reads the numbers of one of the model's inputs."""

    def __init__(self, spec: InputSpec, axes: Mapping[str, AxisSizes], *, missing: float | None = None) -> None:
        self._spec = spec
        self._code = CODES[spec.dtype]
        self._bounds = tuple(bounds(axis, axes) for axis in spec.shape)
        self._missing = missing
        """The number that `null` stands for; if it is None, `null` is refused."""

    def read(self, value: object, where: str, *, added: int | None = None) -> PackedNumbers:
        """Return nested lists as packed numbers, with an axis of size 1 added at the place `added` if that is given.

        Raises BadRequest, whose message names the field `where`.
        """
        given, numbers = self._flatten(value, where)
        shape = given if added is None else (*given[:added], 1, *given[added:])
        self._check_shape(shape, given, where)
        if self._missing is not None and None in numbers:
            numbers = [self._missing if number is None else number for number in numbers]
        packing = f"{len(numbers)}{self._code}"
        data = bytearray(struct.calcsize(packing))
        try:
            struct.pack_into(packing, data, 0, *numbers)
        except (struct.error, TypeError, OverflowError) as error:
            raise BadRequest(self._kind_problem(where)) from error
        return PackedNumbers(shape, data)

    def _flatten(self, value: object, where: str) -> tuple[tuple[int, ...], list[object]]:
        sizes: list[int] = []
        level: list[object] = [value]
        while level and isinstance(level[0], list):
            size = len(level[0])
            if len(sizes) == MAX_AXES:
                raise BadRequest(f"{where} is nested too deeply.")
            sizes.append(size)
            if len(level) == 1:
                level = level[0]
            elif set(map(type, level)) == {list} and set(map(len, level)) == {size}:  # type: ignore[arg-type]
                level = list(chain.from_iterable(level))  # type: ignore[arg-type]
            else:
                raise BadRequest(self._kind_problem(where))
        return tuple(sizes), level

    def _check_shape(self, shape: tuple[int, ...], given: tuple[int, ...], where: str) -> None:
        if len(shape) == len(self._bounds) and all(
            low <= size <= high for size, (low, high) in zip(shape, self._bounds, strict=True)
        ):
            return
        sizes = {
            axis: f"{axis} from {low} to {high}"
            for axis, (low, high) in zip(self._spec.shape, self._bounds, strict=True)
            if isinstance(axis, str)
        }
        told = f", with {', '.join(sizes.values())}" if sizes else ""
        raise BadRequest(f"{where} has shape {list(given)}; the model takes {self._spec.shape}{told}.")

    def _kind_problem(self, where: str) -> str:
        return f"{where} must hold numbers of type {self._spec.dtype} only, in lists of equal length."


def bounds(axis: int | str, axes: Mapping[str, AxisSizes]) -> tuple[int, int]:
    """Return the smallest and the largest size of an axis."""
    if isinstance(axis, int):
        return axis, axis
    sizes = axes.get(axis, AxisSizes())
    return sizes.min, sizes.max
