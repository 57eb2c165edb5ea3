"""Everything about a model's folder that can be checked without loading the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from model_tools.formats.archive import CLASSES_MEMBER, SOURCE_VOCABULARY_MEMBER, TARGET_VOCABULARY_MEMBER, Format
from model_tools.formats.manifest import Manifest
from model_tools.formats.samples import Sample
from model_tools.formats.sections import Dtype, Text
from model_tools.packaging.checkpoint.class_names import parse_classes, render_classes
from model_tools.packaging.checkpoint.model_folder import ModelFolder, open_model_folder
from model_tools.packaging.checkpoint.vocabularies import (
    Vocabularies,
    needed_tokens,
    parse_vocabulary,
    render_vocabulary,
    with_token_ranges,
)
from model_tools.packaging.custom.code import collect_code
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.cases import Case, parity_cases, trace_case
from model_tools.packaging.samples.collection import SAMPLE_TOLERANCE, collect_samples
from model_tools.packaging.samples.events import TensorEvent, tensor_event
from model_tools.packaging.samples.image_inputs import check_image_input

Report = Callable[[str], None]


@dataclass(frozen=True)
class Checked:
    """A model's folder with all that it says in order."""

    folder: ModelFolder
    """Its manifest has the ranges of token ids written out."""
    classes: list[str] | None
    vocabularies: Vocabularies | None
    code: Mapping[str, bytes]
    """A custom model's files, by their names in the archive."""
    samples: list[Sample]
    events: list[TensorEvent]
    """Of the samples that bring numbers; parity is proved on them too."""
    trace: Case
    cases: list[Case]
    """Drawn cases first, then one for each of `events`."""

    @property
    def manifest(self) -> Manifest:
        """What publish.yaml says."""
        return self.folder.manifest


@dataclass(frozen=True)
class ProvedModel:
    """A model in the form in which it will be served, and the proof."""

    file: Path
    format: Format
    checkpoint_sha256: str
    output_dtype: Dtype
    library_version: str
    answers: list[list[object] | None]
    """The trained model's, for each of the checked events."""
    parity: dict[str, object]
    """parity.json, all but the model's digest: nothing that two runs on one machine differ in."""
    run: dict[str, object]
    """The figures of this very run."""
    channels_last: bool = False
    sample_tolerance: float = SAMPLE_TOLERANCE
    """How far answers to samples may be off, relative to the answer's magnitude."""
    evidence: dict[str, object] = field(default_factory=dict)
    """What stands in evidence.json beside parity and run."""


def check_model(path: Path, limits: Limits) -> Checked:
    """Check a folder's manifest and every file that it names but the checkpoint.

    Raises ModelNotFound, ManifestInvalid or ClassesMismatch.
    """
    folder = open_model_folder(path)
    manifest = folder.manifest
    check_image_input(manifest)
    classes = None
    if manifest.classes is not None:
        classes = parse_classes(folder.file(manifest.classes, "classes").read_bytes(), where=manifest.classes)
    vocabularies = None
    if manifest.text is not None:
        vocabularies = _read_vocabularies(folder, manifest.text)
        manifest = with_token_ranges(manifest, vocabularies)
        folder = replace(folder, manifest=manifest)
    code = {} if manifest.custom is None else collect_code(folder, manifest.custom)
    samples = collect_samples(
        folder, classes, limits=limits, source=None if vocabularies is None else vocabularies.source
    )
    events = [event for sample in samples if (event := tensor_event(sample, manifest)) is not None]
    cases = parity_cases(manifest, max_elements=limits.case_elements)
    cases += [Case(seed=0, spread="usual", shapes=event.shapes, sample=event.name) for event in events]
    return Checked(folder, classes, vocabularies, code, samples, events, trace_case(manifest), cases)


def small_members(checked: Checked) -> dict[str, bytes]:
    """Return the archive's members that come straight from the folder."""
    members = dict(checked.code)
    if checked.classes is not None:
        members[CLASSES_MEMBER] = render_classes(checked.classes)
    if checked.vocabularies is not None:
        members[SOURCE_VOCABULARY_MEMBER] = render_vocabulary(checked.vocabularies.source)
        if checked.vocabularies.target is not None:
            members[TARGET_VOCABULARY_MEMBER] = render_vocabulary(checked.vocabularies.target)
    return members


def _read_vocabularies(folder: ModelFolder, text: Text) -> Vocabularies:
    needed_of_source, needed_of_target = needed_tokens(folder.manifest)

    def read(name: str, field: str, needed: tuple[str, ...]) -> list[str]:
        data = folder.file(name, f"text.{field}").read_bytes()
        return parse_vocabulary(data, text, needed=needed, where=name)

    source = read(text.source_vocabulary, "source_vocabulary", needed_of_source)
    if text.target_vocabulary is None:
        return Vocabularies(source, None)
    return Vocabularies(source, read(text.target_vocabulary, "target_vocabulary", needed_of_target))
