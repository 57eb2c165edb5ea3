"""A tree as XGBoost's files hold it: parallel arrays, a node an index. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Span = tuple[float, float] | None

LEAF = -1
FLOATS = ("split_conditions", "base_weights", "leaf_weights")


class TreesDamaged(ValueError):
    """A model's trees cannot be walked."""


def walkable(tree: Mapping[str, Any], number: int, *, features: int) -> None:
    """Raise TreesDamaged unless every walk from the root ends in a leaf, by features that exist, at a finite value."""
    left, right, asked = tree["left_children"], tree["right_children"], tree["split_indices"]
    conditions = tree["split_conditions"]
    nodes = len(left)
    if not nodes or not len(right) == len(asked) == len(conditions) == nodes == int(tree["tree_param"]["num_nodes"]):
        raise TreesDamaged(f"tree {number}: its arrays differ in length")
    for field in FLOATS:
        if not all(math.isfinite(value) for value in tree.get(field, ())):
            raise TreesDamaged(f"tree {number}: {field} has NaN or infinite values; training diverged")
    children = [child for side in (left, right) for child in side if child != LEAF]
    # A node that no other has as its child but one, and a root that nobody has: no walk can come back to a node.
    if len(set(children)) != len(children) or not all(
        isinstance(child, int) and 0 < child < nodes for child in children
    ):
        raise TreesDamaged(f"tree {number}: its nodes form no tree")
    for one, other, feature in zip(left, right, asked, strict=True):
        if (one == LEAF) != (other == LEAF) or (one != LEAF and not 0 <= feature < features):
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
