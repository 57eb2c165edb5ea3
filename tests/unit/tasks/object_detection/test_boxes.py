"""Boxes: how much two of them overlap, and which of several duplicates is kept."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_tools.tasks.object_detection.boxes import intersection_over_union, suppress_duplicates

sides = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2)
boxes = st.lists(sides.map(lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[3]]), min_size=1, max_size=12)


def test_overlap_is_the_share_of_the_intersection_in_the_union() -> None:
    found = intersection_over_union(torch.tensor([[0.0, 0, 4, 4], [2, 0, 6, 4], [10, 10, 11, 11]]))

    assert found[0].tolist() == pytest.approx([1, 8 / 24, 0])


def test_a_box_without_area_overlaps_nothing() -> None:
    assert intersection_over_union(torch.tensor([[1.0, 1, 1, 1], [0, 0, 4, 4]])).tolist()[0] == [0, 0]


@given(boxes, st.data())
def test_the_best_is_kept_and_no_two_kept_boxes_of_a_class_are_duplicates(found, data) -> None:
    labels = torch.tensor(data.draw(st.lists(st.integers(0, 1), min_size=len(found), max_size=len(found))))
    corners = torch.tensor(found, dtype=torch.float32)

    kept = suppress_duplicates(corners, labels, 0.5)

    assert kept[0] == 0
    assert kept == sorted(set(kept))
    shares = intersection_over_union(corners)
    for one in kept:
        assert all(labels[one] != labels[other] or shares[one, other] <= 0.5 for other in kept if other != one)
    for gone in set(range(len(found))) - set(kept):
        assert any(labels[gone] == labels[other] and shares[gone, other] > 0.5 for other in kept if other < gone)
