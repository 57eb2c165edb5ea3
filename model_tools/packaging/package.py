"""Packages a model's folder as a proved `model.tar.gz`; this module fixes the order of all steps."""

import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from model_tools.errors import ParityFailed
from model_tools.formats.archive import (
    ARCHIVE_NAME,
    MANIFEST_MEMBER,
    MODEL_MEMBERS,
    PARITY_MEMBER,
    ArchiveManifest,
    declared_axes,
)
from model_tools.packaging.archive.model_archive import member_sha256, write_archive
from model_tools.packaging.checked_folder import CheckedFolder, Report, check_folder, small_members
from model_tools.packaging.checkpoint.checkpoint_file import file_sha256
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.evidence import render_json
from model_tools.packaging.proof.prove_trace import prove_trace
from model_tools.packaging.proof.proved_model import ProvedModel
from model_tools.packaging.samples.collection import (
    answer_of_single_row,
    answerable_samples,
    expect_answers,
    render_samples,
)
from model_tools.packaging.trees.prove_trees import prove_trees
from model_tools.version import tools_version

SAMPLES_NAME = "samples.jsonl"
EVIDENCE_NAME = "evidence.json"


@dataclass(frozen=True)
class Package:
    """The files that packaging leaves in its workspace."""

    archive: Path
    sha256: str
    """The digest of the archive, 64 hex digits."""
    size: int
    """The size of the archive in bytes."""
    unpacked: int
    """The size of the archive's members together in bytes; serving has to hold them."""
    samples: Path
    """The file samples.jsonl: the events that a new version must answer before it gets traffic."""
    evidence: Path
    """The file evidence.json: the contents of parity.json and, beyond those, the figures of this run."""
    manifest: ArchiveManifest


def package_model(
    folder: Path,
    workspace: Path,
    *,
    limits: Limits | None = None,
    report: Report = lambda _: None,
    workers: Workers | None = None,
) -> Package:
    """Check, load, prove and pack the model in a folder that holds `publish.yaml`.

    The same folder gives the same archive, byte for byte, on machines of the same kind
    (docs/explanation/decisions/0010). The workspace is made if it does not exist, and holds only the package's files at
    the end. `report` gets a phrase for each step. `workers` run the code of the model; they are started and ended here
    unless they are given.

    Raises ModelNotFound, ManifestInvalid, CheckpointRejected, ClassesMismatch, TraceFailed, ModelTooLarge and
    ParityFailed.
    """
    limits = limits or Limits()
    workspace = workspace.resolve()
    scratch = workspace / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        checked = check_folder(folder, limits)
        prove = prove_trees if checked.manifest.library == "xgboost" else prove_trace
        with Workers() if workers is None else nullcontext(workers) as running:
            proved = prove(checked, scratch, workspace, limits, report, running)
        report("Packing the archive")
        return _pack(checked, proved, workspace)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        for name in MODEL_MEMBERS.values():
            (workspace / name).unlink(missing_ok=True)


def _pack(checked: CheckedFolder, proved: ProvedModel, workspace: Path) -> Package:
    manifest = _archive_manifest(checked, proved)
    digest = file_sha256(proved.file)
    parity = {"model_sha256": digest, **proved.parity}
    model_member = MODEL_MEMBERS[proved.format]
    members: dict[str, bytes | Path] = {
        **small_members(checked),
        MANIFEST_MEMBER: render_json(manifest.model_dump(mode="json", exclude_none=True)),
        PARITY_MEMBER: render_json(parity),
        model_member: proved.file,
    }
    archive = workspace / ARCHIVE_NAME
    written = write_archive(archive, members)
    # The model that will be served comes out of this file, so its bytes in here must be those that were proved.
    if member_sha256(archive, model_member) != digest:
        raise ParityFailed("The model in the archive is not the one that was proved: publish again; check the disk.")
    answers = _answers_by_name(checked, proved)
    asked = answerable_samples(checked.samples, checked.events, proved.batch_axes)
    fields = _fields_by_name(checked, proved)
    samples = expect_answers(asked, answers, fields=fields, tolerance=proved.sample_tolerance)
    samples_file, evidence_file = workspace / SAMPLES_NAME, workspace / EVIDENCE_NAME
    samples_file.write_text(render_samples(samples), encoding="utf-8")
    run = {**proved.run, "archive_size": written.size}
    evidence_file.write_bytes(render_json({**parity, **proved.evidence, "run": run}))
    return Package(archive, written.sha256, written.size, _unpacked(members), samples_file, evidence_file, manifest)


def _archive_manifest(checked: CheckedFolder, proved: ProvedModel) -> ArchiveManifest:
    wanted = checked.manifest
    return ArchiveManifest(
        name=wanted.name,
        task=wanted.task,
        format=proved.format,
        inputs=wanted.inputs,
        axes=declared_axes(wanted),
        output_dtype=proved.output_dtype,
        batch_axes=proved.batch_axes,
        scores=proved.scores,
        preprocess=wanted.preprocess,
        text=wanted.text,
        settings=wanted.settings,
        results=wanted.results,
        channels_last=proved.channels_last,
        reduced_decoding=proved.reduced_decoding,
        checkpoint_sha256=proved.checkpoint_sha256,
        library_version=proved.library_version,
        tools_version=tools_version(),
    )


def _answers_by_name(checked: CheckedFolder, proved: ProvedModel) -> dict[str, list[object] | None]:
    """Return the trained model's answers to the samples whose response holds the model's unchanged outputs."""
    axes = proved.batch_axes
    return {
        event.name: answer_of_single_row(answer, axes) if event.is_single else answer
        for event, answer in zip(checked.events, proved.answers, strict=True)
        if event.is_answered_plainly
    }


def _fields_by_name(checked: CheckedFolder, proved: ProvedModel) -> dict[str, dict[str, object]]:
    """Return the fields that the trained model's answers give to the samples whose response is made of them."""
    form = checked.spec.request_form(checked.manifest)
    events = {sample.name: sample.event for sample in checked.samples}
    fields = {
        event.name: form.expected(events[event.name], answer)
        for event, answer in zip(checked.events, proved.answers, strict=True)
        if answer is not None and not event.is_answered_plainly
    }
    return {name: known for name, known in fields.items() if known is not None}


def _unpacked(members: dict[str, bytes | Path]) -> int:
    return sum(len(entry) if isinstance(entry, bytes) else entry.stat().st_size for entry in members.values())
