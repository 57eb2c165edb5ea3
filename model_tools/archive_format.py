"""The inside of `model.tar.gz`: what packaging writes and serving reads. It owns the names and the fields only."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_tools.manifest import Dtype, InputSpec, Preprocess, Task

ARCHIVE_NAME = "model.tar.gz"
MODEL_MEMBER = "model.pt"
CLASSES_MEMBER = "classes.txt"
MANIFEST_MEMBER = "manifest.json"
PARITY_MEMBER = "parity.json"
MEMBERS = (MANIFEST_MEMBER, CLASSES_MEMBER, PARITY_MEMBER, MODEL_MEMBER)
"""In the order in which they stand in the archive: small and needed first."""


class ArchiveManifest(BaseModel):
    """`manifest.json`: all that serving must know about the model beside it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: Literal[1] = 1
    name: str
    task: Task
    format: Literal["torchscript"] = "torchscript"
    inputs: list[InputSpec]
    output_dtype: Dtype
    preprocess: Preprocess | None = None
    channels_last: bool = False
    """Image batches should be handed over in channels-last memory format."""
    checkpoint_sha256: str
    torch_version: str
    tools_version: str
