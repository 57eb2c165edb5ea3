"""The messages about a model's state: what the tracing child records, and the job of the child that builds it again."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from model_tools.formats.sizes import GIB
from model_tools.packaging.children.messages import Message, Text
from model_tools.packaging.proof.messages import TraceJob

STATE_FILE = "state.json"
"""The file with the state that the tracing child has recorded, a RecordedState."""

LARGE_BYTES = 1 * GIB
"""The size of a checkpoint above which its weights are not held in memory twice.

Such a model is built again after the proof of parity and not beside it, and is not called in training mode.
"""

Kind = Literal["weight", "trainable", "tensor", "generator", "value"]
"""The kind of a value.

weight: a parameter or a persistent buffer, which the checkpoint holds. trainable: a tensor that requires a gradient
and is not registered. tensor: any other tensor, a non-persistent buffer, or an array. generator: the state of a
generator of random numbers. value: a number, a text, or a collection of them.
"""


class Value(Message):
    """A value that a model's code can reach, by the digest of its contents."""

    kind: Kind
    digest: str
    attribute: str
    """The attribute, class attribute or global variable under which the value is found, as messages name it."""
    holder: str
    """The type of the object in that attribute, such as `list`."""


State = dict[str, Value]
"""The values that a model's code can reach, by their names."""


class Call(Message):
    """A call of the model, and the values that were then other than after loading."""

    inputs: str
    """The digest of the inputs."""
    shapes: list[list[int]]
    changed: dict[str, Value | None]
    """The values that differ from those after loading; None for one that is gone. Weights are not among them."""


class RecordedState(Message):
    """The state of a model after loading, and after each call."""

    loaded: State
    calls: list[Call]


class RebuildJob(Message):
    """The job of the child that builds the model again: load it, ask it in reverse order, and compare."""

    trace: TraceJob
    recorded: Path
    """The folder with REFERENCE_FILE and STATE_FILE, as the tracing child has left them."""
    outputs: int
    """The number of tensors in each answer."""


class RebuildResult(Message):
    """The findings of the child that built the model again; differences that matter are refused instead."""

    status: Literal["done"] = "done"
    builds: int
    """The number of times that the model was built."""
    notes: list[Text] = Field(max_length=20)
    """Values that differ from build to build and are harmless: the answers are the same."""
    seconds: float
