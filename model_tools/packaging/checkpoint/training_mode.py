"""Tells whether a compiled model computes as in training, which is fixed when a model is traced or exported.

Dropout draws at random in training and does nothing afterwards; batch and instance norm measure the batch that they see
instead of what they have learned.
"""

from collections.abc import Mapping
from typing import Any

UNKNOWN = object()
"""The value of an argument that is not written down in the file, such as a tensor."""
DROPOUTS = frozenset({
    "alpha_dropout", "alpha_dropout_", "dropout", "dropout_", "feature_alpha_dropout", "feature_alpha_dropout_",
    "feature_dropout", "feature_dropout_", "native_dropout",
})  # fmt: skip
"""Operators that drop values at random."""
NORMS = frozenset({
    "_batch_norm_impl_index", "_native_batch_norm_legit", "_native_batch_norm_legit_functional", "batch_norm",
    "instance_norm", "native_batch_norm",
})  # fmt: skip
"""Operators that either measure their input or use running statistics."""
RECURRENT = frozenset({"gru", "lstm", "quantized_gru", "quantized_lstm", "rnn_relu", "rnn_tanh"})
"""Operators that drop values at random between their layers."""


def in_training_mode(operator: str, arguments: Mapping[str, Any]) -> bool:
    """Tell whether an operator of `aten`, with these arguments by name, computes as it does in training."""
    training = any(arguments.get(name) is True for name in ("train", "training", "use_input_stats"))
    if operator in DROPOUTS:
        return training and _is_share(arguments.get("p"))
    if operator in NORMS:
        # Without running statistics, the input is measured in eval mode as well.
        return training and arguments.get("running_mean") is not None
    if operator in RECURRENT:
        return training and _is_share(arguments.get("dropout")) and arguments.get("num_layers") != 1
    if operator == "scaled_dot_product_attention":
        return _is_share(arguments.get("dropout_p"))
    return False


def _is_share(share: Any) -> bool:
    """Tell whether a share of dropped values is written down and above 0."""
    return isinstance(share, int | float) and share > 0
