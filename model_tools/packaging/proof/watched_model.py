"""A model that is watched while it answers: its state after each call is recorded, and what must not change is refused.

It is called like the model itself. A weight may not change at all. Anything else may change by the first call, as a
table does that is made when it is first needed, but a second call with the same input must leave it alone: what
changes then counts calls or keeps what it was asked before.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from model_tools.packaging.proof.model_state import StateReader, inputs_digest
from model_tools.packaging.proof.state_messages import Call, RecordedState, State, Value
from model_tools.packaging.proof.state_refusals import (
    changed_weights,
    refuse_accumulation,
    refuse_changed_weights,
    refuse_untrained,
)

MAX_CALLS = 64
"""The number of calls after which the state is read no more until the last one, so that many samples cost little."""


class WatchedModel:
    """The loaded model, with a record of its state after each call."""

    def __init__(self, model: Any, folder: Path, *, only: Collection[str] | None = None) -> None:
        """Read the state after loading; `only` are the digests of the inputs whose calls are recorded, None for all.

        Raises CheckpointRejected for layers that are neither trained nor saved.
        """
        self._model = model
        self._only = only
        self._reader = StateReader(model, folder)
        self._loaded = self._reader.read()
        self._calls: list[Call] = []
        refuse_untrained(self._loaded, self._reader.loose_modules())

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """Return the model's answer. Raises ParityFailed if the call has changed what must stay as it is."""
        if len(self._calls) >= MAX_CALLS:
            return self._model(*inputs)
        asked, shapes = inputs_digest(inputs), [list(tensor.shape) for tensor in inputs]
        if self._only is not None and asked not in self._only:
            return self._model(*inputs)
        answer = self._model(*inputs)
        state = self._reader.read(thoroughly=False)
        if changed_weights(self._loaded, state):
            refuse_changed_weights(self._loaded, self._reader.read())  # some kernels change weights uncounted
        call = Call(inputs=asked, shapes=shapes, changed=_changed(self._loaded, state))
        if self._calls and self._calls[-1].inputs == asked:
            refuse_accumulation(self._calls[-1].changed, call.changed, self._loaded)
        self._calls.append(call)
        return answer

    @property
    def loaded(self) -> RecordedState:
        """The record before any call."""
        return RecordedState(loaded=self._loaded, calls=[])

    def recorded(self) -> RecordedState:
        """Return the record, after a last look at all weights. Raises ParityFailed if one has changed."""
        refuse_changed_weights(self._loaded, self._reader.read())
        return RecordedState(loaded=self._loaded, calls=self._calls)


def leave_record(watched: WatchedModel, path: Path) -> None:
    """Write the record for the child that builds the model again."""
    path.write_text(watched.recorded().model_dump_json(), encoding="utf-8")


def _changed(loaded: State, now: State) -> dict[str, Value | None]:
    names = dict.fromkeys([*loaded, *now])
    return {name: value for name in names if not _is_same(value := now.get(name), loaded.get(name))}


def _is_same(one: Value | None, other: Value | None) -> bool:
    return one is other or one == other  # most values are the very same object, which is told in no time
