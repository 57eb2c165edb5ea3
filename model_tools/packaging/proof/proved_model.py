"""What the proof of a model leaves for the archive, whatever library runs it."""

from dataclasses import dataclass, field
from pathlib import Path

from model_tools.formats.archive import Format
from model_tools.formats.sections import Dtype
from model_tools.packaging.samples.collection import SAMPLE_TOLERANCE


@dataclass(frozen=True)
class ProvedModel:
    """A model in the form in which it will be served, and the proof."""

    file: Path
    format: Format
    checkpoint_sha256: str
    output_dtype: Dtype
    library_version: str
    answers: list[list[object] | None]
    """The trained model's answer to each of the checked events; None for one that is too large to be kept."""
    parity: dict[str, object]
    """The contents of parity.json but for the model's digest: nothing that two runs on one machine differ in."""
    run: dict[str, object]
    """The figures of this very run."""
    channels_last: bool = False
    reduced_decoding: bool = False
    """Images decoded at reduced size were proved to be answered as those decoded in full."""
    sample_tolerance: float = SAMPLE_TOLERANCE
    """The largest difference of answers to samples, relative to the answer's magnitude."""
    evidence: dict[str, object] = field(default_factory=dict)
    """Further fields of evidence.json."""
