"""The result of a model's proof, which the archive is made of; it is the same for all libraries."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_tools.formats.archive import Format
from model_tools.formats.sections import Dtype, Scores


@dataclass(frozen=True)
class ProvedModel:
    """A model in the form in which it will be served, and its proof."""

    file: Path
    format: Format
    checkpoint_sha256: str
    output_dtype: Dtype
    library_version: str
    answers: list[list[object] | None]
    """The trained model's answer to each of the checked events; None for an answer that is too large to be kept."""
    allowances: list[Any | None]
    """How far the served model may be off from each of these answers, as nested lists like those of the answer."""
    parity: dict[str, object]
    """The contents of parity.json except the model's digest: the same for all runs on one machine."""
    run: dict[str, object]
    """The figures of this run, such as times, which differ from run to run."""
    batch_axes: list[int | None] | None = None
    """The place of the batch axis in each output; see ArchiveManifest."""
    scores: Scores | None = None
    """The meaning of a classifier's outputs; None for a model that ranks no classes."""
    channels_last: bool = False
    """Image batches are handed to the model in channels-last memory format."""
    reduced_decoding: bool = False
    """Images decoded at reduced size were proved to be answered as those decoded in full."""
    rows_apart: bool = False
    """Rows of one batch change one another's answers: each request is answered alone."""
    padding_counts: bool = False
    """Padding changes the answer to a text: only texts of equal length share a batch."""
    evidence: dict[str, object] = field(default_factory=dict)
    """Further fields of evidence.json."""
