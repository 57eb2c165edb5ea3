"""The batch axis of a model's inputs, and requests that leave it out because they bring a single row. Pure."""

from collections.abc import Sequence

BATCH_AXIS = "batch"
"""The name that makes an axis of the inputs the batch axis.

The name promises that the rows are independent of each other, which the rows of a time series are not.
"""


class MixedRanks(Exception):
    """Some of the inputs lack the batch axis and others have it."""


def batch_place(shape: Sequence[int | str]) -> int | None:
    """Return the place of the batch axis in an input's shape; None for a shape without one, or with several.

    A second axis whose name begins with `batch` makes it doubtful which of them a request leaves out.
    """
    named = [place for place, axis in enumerate(shape) if isinstance(axis, str) and axis.startswith(BATCH_AXIS)]
    return named[0] if len(named) == 1 and shape[named[0]] == BATCH_AXIS else None


def lacks_batch(shapes: Sequence[Sequence[int | str]], ranks: Sequence[int]) -> bool:
    """Tell whether inputs with these numbers of axes lack exactly the batch axis of the model's `shapes`.

    Inputs that have no batch axis stay as they are. Raises MixedRanks when some of the others lack it and some do not.
    """
    places = [batch_place(shape) for shape in shapes]
    if all(place is None for place in places) or len(shapes) != len(ranks):
        return False
    lacking = {len(shape) - rank for shape, rank, place in zip(shapes, ranks, places, strict=True) if place is not None}
    if lacking == {0, 1}:
        raise MixedRanks
    return lacking == {1}


def rank_of(value: object) -> int:
    """Return the number of axes of nested lists, which is found by following the first entries."""
    rank = 0
    while isinstance(value, list):
        rank += 1
        value = value[0] if value else None
    return rank


def with_axis(values: object, place: int | None) -> object:
    """Return nested lists with a new axis of size 1 at `place`, or as they are if it is None."""
    if place is None:
        return values
    if place == 0 or not isinstance(values, list):
        return [values]
    return [with_axis(value, place - 1) for value in values]


def without_axis(values: object, place: int) -> object:
    """Return nested lists without the axis at `place`, whose size is 1."""
    if not isinstance(values, list):
        raise TypeError("the axis lies beyond the nested lists")
    return values[0] if place == 0 else [without_axis(value, place - 1) for value in values]
