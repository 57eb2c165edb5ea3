"""Checks all that can be checked of a model's folder without loading the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model_tools.formats.archive import CLASSES_MEMBER, SOURCE_VOCABULARY_MEMBER, TARGET_VOCABULARY_MEMBER
from model_tools.formats.manifest import Manifest
from model_tools.formats.samples import Sample
from model_tools.formats.sections import Text
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
from model_tools.packaging.samples.collection import collect_samples
from model_tools.packaging.samples.events import TensorEvent, tensor_event
from model_tools.tasks.manifests import own_code_of
from model_tools.tasks.registry import spec_of
from model_tools.tasks.spec import TaskSpec

Report = Callable[[str], None]
"""Takes a phrase that tells which step begins."""


@dataclass(frozen=True)
class CheckedFolder:
    """The manifest, and the contents of every file that it names, except the checkpoint."""

    folder: ModelFolder
    """The folder, whose manifest has the ranges of token ids filled in."""
    classes: list[str] | None
    vocabularies: Vocabularies | None
    code: Mapping[str, bytes]
    """The contents of a custom model's files, by their names in the archive."""
    samples: list[Sample]
    events: list[TensorEvent]
    """The events of the samples that bring numbers; parity is proved on them as well."""

    @property
    def manifest(self) -> Manifest:
        """The manifest of the folder."""
        return self.folder.manifest

    @property
    def spec(self) -> TaskSpec:
        """The spec of the model's kind of task."""
        return spec_of(self.manifest.task)

    @property
    def classes_file(self) -> str:
        """The name of the classes file in messages."""
        return self.manifest.classes or "classes"

    @property
    def target_tokens(self) -> int | None:
        """The length of the target vocabulary; None where the task writes no text."""
        target = None if self.vocabularies is None else self.vocabularies.target
        return None if target is None else len(target)


def check_folder(path: Path, limits: Limits) -> CheckedFolder:
    """Check a folder's manifest and every file that the manifest names, except the checkpoint.

    Raises ModelNotFound, ManifestInvalid or ClassesMismatch.
    """
    folder = open_model_folder(path)
    manifest = folder.manifest
    classes = None
    if manifest.classes is not None:
        classes = parse_classes(folder.file(manifest.classes, "classes").read_bytes(), where=manifest.classes)
    vocabularies = None
    if manifest.text is not None:
        vocabularies = _read_vocabularies(folder, manifest.text)
        manifest = with_token_ranges(manifest, vocabularies)
        folder = replace(folder, manifest=manifest)
    own = own_code_of(manifest)
    code = {} if own is None else collect_code(folder, own)
    source = [] if vocabularies is None else vocabularies.source
    samples = collect_samples(folder, classes, limits=limits, source=source)
    events = [event for sample in samples if (event := tensor_event(sample, manifest)) is not None]
    return CheckedFolder(folder, classes, vocabularies, code, samples, events)


def small_members(checked: CheckedFolder) -> dict[str, bytes]:
    """Return the archive's members that are taken from the folder: classes, vocabularies and a custom model's code."""
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
