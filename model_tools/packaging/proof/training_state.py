"""Finds state that training changes and the checkpoint does not hold, by one call of the model in training mode.

A running mean in a plain attribute is the same constant in every build, so builds do not tell it. But a call in
training mode changes it, and if the answers in eval mode are others afterwards, the values of the training are lost.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.proof.model_state import StateReader
from model_tools.packaging.proof.state_refusals import lost_in_training


def refuse_lost_training(
    model: torch.nn.Module, folder: Path, inputs: Sequence[torch.Tensor], answers_alike: Callable[[], bool]
) -> None:
    """Call the model in training mode, and see whether `answers_alike` still finds its answers in eval mode the same.

    Parameters and persistent buffers are set back before, since the checkpoint holds them. Raises CheckpointRejected,
    which names what the call has changed.
    """
    reader = StateReader(model, folder)
    before = reader.read()
    weights = {name: value.clone() for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    # In training mode a model may want targets, or end in an error for another reason; what it has changed counts.
    with torch.no_grad(), suppress(Exception, SystemExit):
        model.train()
        model(*(tensor.clone() for tensor in inputs))
    model.eval()
    model.load_state_dict(weights, strict=False)
    after = reader.read()
    changed = {
        name: value
        for name, value in after.items()
        if value.kind != "weight" and (name not in before or before[name].digest != value.digest)
    }
    if changed and not answers_alike():
        raise CheckpointRejected(lost_in_training(changed))
