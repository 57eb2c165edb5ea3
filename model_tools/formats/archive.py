"""The names and the fields inside `model.tar.gz`, which packaging writes and serving reads."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from model_tools.formats.manifest import Library, Manifest, TaskName
from model_tools.formats.sections import (
    Axis,
    AxisSizes,
    Dtype,
    InputSpec,
    Preprocess,
    Results,
    Scores,
    Text,
)

ARCHIVE_NAME = "model.tar.gz"
MODEL_MEMBER = "model.pt"
TREES_MEMBER = "model.ubj"
CLASSES_MEMBER = "classes.txt"
MANIFEST_MEMBER = "manifest.json"
PARITY_MEMBER = "parity.json"
SOURCE_VOCABULARY_MEMBER = "source_vocabulary.txt"
TARGET_VOCABULARY_MEMBER = "target_vocabulary.txt"
CODE_PREFIX = "code/"
"""The folder of a custom model's Python files, data files and unpacked wheels."""
MAX_CODE_FILES = 5_000
"""The largest number of files below CODE_PREFIX."""
MAX_CODE_BYTES = 64 << 20
"""The largest total size of the files below CODE_PREFIX."""
MEMBERS = (
    MANIFEST_MEMBER,
    CLASSES_MEMBER,
    SOURCE_VOCABULARY_MEMBER,
    TARGET_VOCABULARY_MEMBER,
    PARITY_MEMBER,
    MODEL_MEMBER,
    TREES_MEMBER,
)
"""The members in the archive's order: small ones, which are needed first, come first; code stands before the model."""

Format = Literal["torchscript", "xgboost"]
LIBRARY_OF: dict[Format, Library] = {"torchscript": "torch", "xgboost": "xgboost"}
"""The library that runs a model of each format."""
MODEL_MEMBERS: dict[Format, str] = {"torchscript": MODEL_MEMBER, "xgboost": TREES_MEMBER}
"""The member that holds a model of each format."""


class ArchiveManifest(BaseModel):
    """`manifest.json`: all that serving must know about the model in the archive."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: Literal[2] = 2
    name: str
    task: TaskName
    format: Format = "torchscript"
    inputs: list[InputSpec]
    axes: dict[Axis, AxisSizes] = Field(default_factory=dict)
    """The sizes of each named axis that parity was proved for, and that a request may have."""
    output_dtype: Dtype
    batch_axes: list[int | None] | None = None
    """The place of the batch axis in each output, as the proof found it; None for an output without that axis.

    None instead of the list means that the proof could not tell, because the batch has one size only.
    """
    scores: Scores | None = None
    """The meaning of a classifier's outputs, as it was declared or found; None for a model that ranks no classes."""
    preprocess: Preprocess | None = None
    text: Text | None = None
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """The task's own section of publish.yaml."""
    results: Results | None = None
    channels_last: bool = False
    """Image batches should be handed to the model in channels-last memory format."""
    reduced_decoding: bool = False
    """Large JPEGs may be decoded at reduced size: the model was proved to answer them alike."""
    rows_apart: bool = False
    """Rows of one batch change one another's answers: each request is answered alone."""
    padding_counts: bool = False
    """Padding changes the answer to a text: only texts of equal length share a batch."""
    checkpoint_sha256: str
    library_version: str
    """The version of torch or xgboost that the model was proved with."""
    tools_version: str


def declared_axes(manifest: Manifest) -> dict[str, AxisSizes]:
    """Return the allowed sizes of every named axis of a manifest, with defaults filled in."""
    names = {axis for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)}
    return {name: manifest.axis_sizes(name) for name in sorted(names)}
