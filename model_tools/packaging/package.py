"""Packages a model's folder as a proved `model.tar.gz`; this module fixes the order of all steps."""

import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

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
    KnownAnswer,
    answer_of_single_row,
    answerable_samples,
    expect_answers,
    largest_of,
    render_samples,
)
from model_tools.packaging.stopwatch import Stopwatch
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
    watch = Stopwatch()
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
    asked = answerable_samples(checked.samples, checked.events, proved.batch_axes)
    samples = expect_answers(asked, _known_answers(checked, proved))
    samples_file, evidence_file = workspace / SAMPLES_NAME, workspace / EVIDENCE_NAME
    samples_file.write_text(render_samples(samples), encoding="utf-8")
    watch.lap("pack")
    seconds = {**cast("Mapping[str, object]", proved.run["seconds"]), **watch.seconds}
    run = {**proved.run, "seconds": seconds, "archive_size": written.size}
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
        rows_apart=proved.rows_apart,
        padding_counts=proved.padding_counts,
        checkpoint_sha256=proved.checkpoint_sha256,
        library_version=proved.library_version,
        tools_version=tools_version(),
    )


def _known_answers(checked: CheckedFolder, proved: ProvedModel) -> dict[str, KnownAnswer]:
    """Return what is known of the answers to samples, by the samples' names, from the trained model's outputs."""
    form = checked.spec.request_form(checked.manifest)
    requests = {sample.name: sample.event for sample in checked.samples}
    known: dict[str, KnownAnswer] = {}
    for event, answer, allowance in zip(checked.events, proved.answers, proved.allowances, strict=True):
        if answer is None or allowance is None:
            continue
        if not event.is_answered_plainly:
            fields = form.expected(requests[event.name], answer)
            found = None if fields is None else KnownAnswer({"answer": fields}, largest_of(allowance))
        elif event.is_single:
            row = answer_of_single_row(answer, proved.batch_axes)
            allowed = answer_of_single_row(allowance, proved.batch_axes)
            found = None if row is None else KnownAnswer({"output": row}, allowed)
        else:
            found = KnownAnswer({"output": answer}, allowance)
        if found:
            known[event.name] = found
    return known


def _unpacked(members: dict[str, bytes | Path]) -> int:
    return sum(len(entry) if isinstance(entry, bytes) else entry.stat().st_size for entry in members.values())
