"""The messages between the packaging process and its children: JSON files in a scratch folder, validated by the reader.

They are never pickles: a child runs a user's code, and a pickle of its making could run code in the parent.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

JOB_FILE = "job.json"
"""The file with the message to a child."""
RESULT_FILE = "result.json"
"""The file with the message from a child."""
SAMPLES_FILE = "sample_inputs.json"
"""The file with the inputs of the samples that bring numbers, as nested lists."""
MAX_RESULT_BYTES = 16 << 20
"""The largest size of a RESULT_FILE that is read."""

MAX_MESSAGE = 3900
"""The number of characters of a refusal's message; the reader accepts 4,000."""

Text = Annotated[str, StringConstraints(max_length=4000)]
ChildError = Literal[
    "CheckpointRejected", "ClassesMismatch", "ManifestInvalid", "ModelTooLarge", "ParityFailed", "TraceFailed"
]
"""The errors that a child may name."""


class Message(BaseModel):
    """The base of every message."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(Message):
    """The refusal of a child, which the parent raises as the error that it names."""

    status: Literal["refused"] = "refused"
    error: ChildError
    message: Text
