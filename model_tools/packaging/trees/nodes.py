"""Checks trees as XGBoost's files hold them: parallel arrays, in which a node is an index. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Span = tuple[float, float] | None
"""The lowest and the highest value that trees compare a feature with; None for a feature that no tree uses."""

LEAF = -1
"""The child of a leaf."""
FLOATS = ("split_conditions", "base_weights", "leaf_weights")
"""The arrays whose values must be finite."""


class TreesDamaged(ValueError):
    """A model's trees are not well-formed, so walking them would fail or never end."""


def check_tree(tree: Mapping[str, Any], number: int, *, features: int) -> None:
    """Raise TreesDamaged unless every walk from the root ends in a leaf with a finite value, by features that exist."""
    left, right, indices = tree["left_children"], tree["right_children"], tree["split_indices"]
    conditions = tree["split_conditions"]
    nodes = len(left)
    if not nodes or not len(right) == len(indices) == len(conditions) == nodes == int(tree["tree_param"]["num_nodes"]):
        raise TreesDamaged(f"tree {number}: its arrays differ in length")
    for field in FLOATS:
        if not all(math.isfinite(value) for value in tree.get(field, ())):
            raise TreesDamaged(f"tree {number}: {field} has NaN or infinite values; training diverged")
    children = [child for side in (left, right) for child in side if child != LEAF]
    # If every node has one parent at most, and the root has none, no walk can come back to a node.
    if len(set(children)) != len(children) or not all(
        isinstance(child, int) and 0 < child < nodes for child in children
    ):
        raise TreesDamaged(f"tree {number}: its nodes form no tree")
    for first, second, feature in zip(left, right, indices, strict=True):
        if (first == LEAF) != (second == LEAF) or (first != LEAF and not 0 <= feature < features):
            raise TreesDamaged(f"tree {number}: a node has one child only, or asks for feature {feature} of {features}")


def spans_of(trees: Sequence[Mapping[str, Any]], features: int) -> list[Span]:
    """Return the lowest and the highest value that the trees compare each feature with."""
    spans: list[Span] = [None] * features
    for tree in trees:
        for child, feature, value in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if child != LEAF:
                low, high = spans[feature] or (value, value)
                spans[feature] = (min(low, value), max(high, value))
    return spans
