"""The batch axis: where it lies, whether a request lacks it, and how it is added and left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_tools.formats.batch_axis import MixedRanks, batch_place, lacks_batch, rank_of, with_axis, without_axis

SHAPES = st.lists(st.integers(1, 3), min_size=0, max_size=4)


@settings(deadline=None)
@given(SHAPES, st.data())
def test_an_axis_that_is_added_can_be_left_out_again(shape: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(shape)))
    values = np.arange(int(np.prod(shape)), dtype=float).reshape(shape)

    added = with_axis(values.tolist(), place)

    assert added == np.expand_dims(values, place).tolist()
    assert without_axis(added, place) == values.tolist()
    assert rank_of(added) == len(shape) + 1


@pytest.mark.parametrize(
    ("shape", "place"),
    [
        pytest.param(["batch", 4], 0, id="first"),
        pytest.param(["time", "batch", 4], 1, id="second"),
        pytest.param(["batch"], 0, id="alone"),
        pytest.param([1, 4], None, id="without a name"),
        pytest.param(["rows", 4], None, id="another name"),
        pytest.param(["batch", "batch"], None, id="twice"),
        pytest.param(["batch", "batch2"], None, id="beside another of nearly the same name"),
        pytest.param(["batch_size", 4], None, id="nearly the same name"),
        pytest.param([], None, id="scalar"),
    ],
)
def test_only_an_axis_called_batch_is_the_batch_axis(shape: list[int | str], place: int | None) -> None:
    assert batch_place(shape) == place


def test_exactly_the_batch_axis_has_to_be_missing_from_all_inputs_that_have_it() -> None:
    assert lacks_batch([["batch", 4]], [1])
    assert not lacks_batch([["batch", 4]], [2])
    assert not lacks_batch([["batch", 4]], [3])
    assert not lacks_batch([["batch", 3, 4]], [1])
    assert not lacks_batch([[1, 4]], [1])
    assert lacks_batch([["batch", 4], ["batch"]], [1, 0])
    assert lacks_batch([["batch", 4], [3]], [1, 1])
    assert not lacks_batch([["batch", 4], ["batch", 4]], [1])
    assert not lacks_batch([["batch", 4], ["batch", 3, 4]], [1, 1])
    with pytest.raises(MixedRanks):
        lacks_batch([["batch", 4], ["batch", 4]], [1, 2])
