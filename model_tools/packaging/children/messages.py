"""The form of messages between the packaging process and its children: JSON files in a scratch folder, validated twice.

Never pickle: a child runs a user's code, and whatever it writes is somebody else's word.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

JOB_FILE = "job.json"
"""The message to a child."""
RESULT_FILE = "result.json"
"""The message that a child leaves."""
SAMPLES_FILE = "sample_inputs.json"
"""The inputs of the samples that bring numbers: nested lists for each."""
MAX_RESULT_BYTES = 16 << 20

Text = Annotated[str, StringConstraints(max_length=4000)]
ChildError = Literal[
    "CheckpointRejected", "ClassesMismatch", "ManifestInvalid", "ModelTooLarge", "ParityFailed", "TraceFailed"
]
"""The errors that a child may name."""


class Message(BaseModel):
    """The base of every message."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(Message):
    """The refusal of a child, to be raised as one of our errors."""

    status: Literal["refused"] = "refused"
    error: ChildError
    message: Text
