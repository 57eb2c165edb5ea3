"""Checks trees as XGBoost's files hold them: parallel arrays, in which a node is an index. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Span = tuple[float, float] | None
"""The lowest and the highest value that trees compare a feature with; None for a feature that no tree uses."""

LEAF = -1
"""The left child of a leaf, and the right one too unless leaves hold several values."""
DELETED = 2**31 - 1
"""The feature of a node that pruning has taken out of its tree."""
FLOATS = ("split_conditions", "base_weights", "leaf_weights")
"""The arrays whose values must be finite."""
NEEDED_BY_VECTORS = {"leaf_weights", "loss_changes", "sum_hessian"}
"""The arrays that came with XGBoost 3.2 for leaves of several values, without which XGBoost crashes."""
SAVE_AGAIN = "save it again with booster.save_model('model.json'), or copy it again"
TRAIN_AGAIN = "train it again, with a lower learning rate or without rows that are not finite"


class UnusableTrees(ValueError):
    """Trees cannot be served. The message says why; `remedy` says what to do, as a clause after a colon."""

    def __init__(self, reason: str, remedy: str = SAVE_AGAIN) -> None:
        super().__init__(reason)
        self.remedy = remedy


def check_tree(tree: Mapping[str, Any], number: int, *, features: int, outputs: int) -> None:
    """Raise UnusableTrees unless every walk from the root ends in a leaf with finite values, by features that exist."""
    left, right, indices = tree["left_children"], tree["right_children"], tree["split_indices"]
    nodes = len(left)
    lengths = {len(array) for array in (right, indices, tree["split_conditions"], tree["default_left"])}
    if not nodes or lengths | {int(tree["tree_param"]["num_nodes"])} != {nodes}:
        raise UnusableTrees(f"tree {number}: its arrays differ in length")
    leaves = _leaves(tree, number, outputs)
    _check_deleted(tree, number)
    for field in FLOATS:
        if not all(math.isfinite(value) for value in tree.get(field, ())):
            raise UnusableTrees(f"tree {number}: {field} has NaN or infinite values; training diverged", TRAIN_AGAIN)
    inner = [node for node in range(nodes) if left[node] != LEAF]
    children = [side[node] for node in inner for side in (left, right)]
    # If every node has one parent at most, and the root has none, no walk can come back to a node.
    if len(set(children)) != len(children) or not all(
        isinstance(child, int) and (0 < child < nodes or child == LEAF) for child in children
    ):
        raise UnusableTrees(f"tree {number}: its nodes form no tree")
    for first, second, feature in zip(left, right, indices, strict=True):
        if first == LEAF and second not in leaves and LEAF not in leaves:
            raise UnusableTrees(f"tree {number}: a leaf has other values than there are")
        if (first == LEAF and second not in leaves) or (first != LEAF and second == LEAF):
            raise UnusableTrees(f"tree {number}: a node has one child only")
        if first != LEAF and not 0 <= feature < features:
            raise UnusableTrees(f"tree {number}: a node asks for feature {feature} of {features}")


def values_of_a_leaf(tree: Mapping[str, Any]) -> int:
    """Return the number of values in a leaf: 1, or one for each output of a model trained with multi_output_tree."""
    return max(int(tree["tree_param"].get("size_leaf_vector", 1)), 1)


def _leaves(tree: Mapping[str, Any], number: int, outputs: int) -> range:
    """Return the values that may stand in the place of a leaf's right child: those that find its values, or LEAF."""
    size = values_of_a_leaf(tree)
    if size == 1:
        return range(LEAF, LEAF + 1)
    if not tree.keys() >= NEEDED_BY_VECTORS:
        raise UnusableTrees(
            "it was trained with multi_strategy: multi_output_tree and saved by XGBoost before 3.2, whose leaves no "
            "newer version reads",
            "train it again with XGBoost 3.2, or without multi_strategy",
        )
    leaves, rest = divmod(len(tree["leaf_weights"]), size)
    if size != outputs or rest:
        raise UnusableTrees(f"tree {number}: its leaves have {size} values, and the model has {outputs} outputs")
    return range(leaves)


def _check_deleted(tree: Mapping[str, Any], number: int) -> None:
    found = sum(feature == DELETED for feature in tree["split_indices"])
    if found != int(tree["tree_param"].get("num_deleted", 0)):
        raise UnusableTrees(
            f"tree {number}: {found} of its nodes were pruned, and it does not say so, as XGBoost before 1.2 wrote "
            "JSON; no later version loads such a file",
            "save the model as model.bin with the version that trained it, load that with XGBoost 1.2 to 3.0, and save "
            "it again with booster.save_model('model.json')",
        )


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
