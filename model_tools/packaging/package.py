"""A model's folder in, a proved `model.tar.gz` out: the order in which everything is checked."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_tools.archive_format import (
    ARCHIVE_NAME,
    CLASSES_MEMBER,
    MANIFEST_MEMBER,
    MODEL_MEMBER,
    PARITY_MEMBER,
    ArchiveManifest,
)
from model_tools.errors import ManifestInvalid, ParityFailed, TraceFailed
from model_tools.packaging.archive import member_sha256, write_archive
from model_tools.packaging.cases import Case, parity_cases, trace_case
from model_tools.packaging.checkpoint_file import CheckpointFile, examine_checkpoint, file_sha256
from model_tools.packaging.child import open_regular, run_child
from model_tools.packaging.class_names import check_width, parse_classes, render_classes
from model_tools.packaging.evidence import describe_parity, describe_run, render_json, tools_version
from model_tools.packaging.image_inputs import check_image_input
from model_tools.packaging.limits import Limits
from model_tools.packaging.messages import (
    REFERENCE_FILE,
    SAMPLES_FILE,
    TRACED_FILE,
    ParityJob,
    ParityResult,
    TraceJob,
    TraceResult,
)
from model_tools.packaging.model_folder import ModelFolder, open_model_folder
from model_tools.packaging.samples import Sample, collect_samples, expect_answers, render_samples, tensor_event
from model_tools.packaging.tolerance import refuse_differences
from model_tools.packaging.torchscript_file import rewrite_reproducibly

SAMPLES_NAME = "samples.jsonl"
EVIDENCE_NAME = "evidence.json"
CLASS_AXES = 2

Report = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """What packaging leaves in its workspace."""

    archive: Path
    sha256: str
    """Of the archive, 64 hex digits."""
    size: int
    """Of the archive, in bytes."""
    samples: Path
    """samples.jsonl: what a new version is asked before it gets traffic."""
    evidence: Path
    """evidence.json: parity.json and the figures of this very run, which the archive does not hold."""
    manifest: ArchiveManifest


@dataclass(frozen=True)
class _Inputs:
    """Everything that could be checked without running the model."""

    folder: ModelFolder
    checkpoint: CheckpointFile
    classes: list[str] | None
    samples: list[Sample]
    sample_inputs: list[list[object]]
    trace: Case
    cases: list[Case]


def package_model(
    folder: Path, workspace: Path, *, limits: Limits | None = None, report: Report = lambda _: None
) -> Package:
    """Check, trace, prove and pack the model in a folder that holds `publish.yaml`.

    The same folder gives the same archive, byte for byte, on machines of the same kind (docs/decisions/0010). The
    workspace is made if need be; what is left in it is the package's files. `report` is told what is being done.

    Raises ModelNotFound, ManifestInvalid, CheckpointRejected, ClassesMismatch, TraceFailed, ModelTooLarge and
    ParityFailed.
    """
    limits = limits or Limits()
    workspace = workspace.resolve()
    scratch = workspace / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        report("Checking the checkpoint")
        inputs = _check(folder, limits)
        report("Loading and tracing the model")
        traced = _trace(inputs, scratch, limits)
        report("Proving that the traced model answers as the trained one")
        model = workspace / MODEL_MEMBER
        _take_model(scratch / TRACED_FILE, model, limits)
        proved = _prove(inputs, traced, model, scratch, limits)
        report("Packing the archive")
        return _pack(inputs, traced, proved, model, workspace)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        (workspace / MODEL_MEMBER).unlink(missing_ok=True)


def _check(path: Path, limits: Limits) -> _Inputs:
    folder = open_model_folder(path)
    manifest = folder.manifest
    check_image_input(manifest)
    checkpoint = examine_checkpoint(folder.checkpoint, limits=limits)
    _check_architecture(folder, checkpoint)
    classes = None
    if manifest.classes is not None:
        classes = parse_classes(folder.file(manifest.classes, "classes").read_bytes(), where=manifest.classes)
    samples = collect_samples(folder, classes, limits=limits)
    events = [tensor_event(sample, manifest) for sample in samples] if manifest.task == "tensor" else []
    cases = parity_cases(manifest, max_elements=limits.case_elements)
    cases += [Case(seed=0, spread="usual", shapes=event.shapes, sample=event.name) for event in events]
    return _Inputs(
        folder, checkpoint, classes, samples, [event.inputs for event in events], trace_case(manifest), cases
    )


def _check_architecture(folder: ModelFolder, checkpoint: CheckpointFile) -> None:
    named = folder.manifest.architecture is not None
    if checkpoint.kind == "state_dict" and not named:
        raise ManifestInvalid(
            f"architecture: is missing, and {checkpoint.path.name} holds weights only: name the code as "
            "module:Callable."
        )
    if checkpoint.kind == "torchscript" and named:
        raise ManifestInvalid(
            f"architecture: {checkpoint.path.name} is TorchScript and brings its own code: remove architecture and "
            "arguments."
        )


def _trace(inputs: _Inputs, scratch: Path, limits: Limits) -> TraceResult:
    (scratch / SAMPLES_FILE).write_text(json.dumps(inputs.sample_inputs), encoding="utf-8")
    job = TraceJob(
        folder=inputs.folder.path, checkpoint=inputs.checkpoint.path, kind=inputs.checkpoint.kind,
        manifest=inputs.folder.manifest, trace=inputs.trace, cases=inputs.cases,
    )  # fmt: skip
    result = run_child(
        "model_tools.packaging.trace_worker", job, TraceResult,
        scratch=scratch, cwd=inputs.folder.path, seconds=limits.child_seconds,
    )  # fmt: skip
    complete = len(result.shapes) == len(inputs.cases) and all(len(s) == len(result.outputs) for s in result.shapes)
    if not complete or len(result.answers) != len(inputs.sample_inputs):
        raise TraceFailed("The model's code left a result for other inputs than it was given: run it once by hand.")
    _check_outputs(inputs, result)
    return result


def _check_outputs(inputs: _Inputs, traced: TraceResult) -> None:
    if inputs.classes is None or inputs.folder.manifest.task != "image-classification":
        return
    shape = traced.shapes[0][0]
    if (
        traced.structure != "tensor"
        or len(shape) != CLASS_AXES
        or not traced.outputs[0].dtype.startswith(("float", "bfloat"))
    ):
        raise TraceFailed(
            "An image classifier answers one tensor [batch, classes] of floats; this model answers a "
            f"{traced.structure} with {traced.outputs[0].dtype} of shape {shape}: let forward return the scores alone, "
            "or publish with task: tensor."
        )
    check_width(inputs.classes, shape[1], where=inputs.folder.manifest.classes or "classes")


def _take_model(traced: Path, model: Path, limits: Limits) -> None:
    os.close(open_regular(traced, what="the traced model"))
    rewrite_reproducibly(traced, model, limits=limits)
    traced.unlink()


def _prove(inputs: _Inputs, traced: TraceResult, model: Path, scratch: Path, limits: Limits) -> ParityResult:
    os.close(open_regular(scratch / REFERENCE_FILE, what="the model's answers"))
    job = ParityJob(
        model=model, inputs=len(inputs.folder.manifest.inputs), outputs=len(traced.outputs), cases=inputs.cases,
        channels_last=traced.channels_last,
    )  # fmt: skip
    result = run_child(
        "model_tools.packaging.parity_worker",
        job,
        ParityResult,
        scratch=scratch,
        cwd=scratch,
        seconds=limits.child_seconds,
    )
    refuse_differences(inputs.cases, result.differences, traced=inputs.trace)
    return result


def _pack(inputs: _Inputs, traced: TraceResult, proved: ParityResult, model: Path, workspace: Path) -> Package:
    manifest = ArchiveManifest(
        name=inputs.folder.manifest.name,
        task=inputs.folder.manifest.task,
        inputs=inputs.folder.manifest.inputs,
        output_dtype=traced.outputs[0].dtype,
        preprocess=inputs.folder.manifest.preprocess,
        channels_last=traced.channels_last,
        checkpoint_sha256=inputs.checkpoint.sha256,
        torch_version=traced.torch_version,
        tools_version=tools_version(),
    )
    digest = file_sha256(model)
    parity = describe_parity(inputs.cases, inputs.trace, traced, proved, model_sha256=digest)
    members: dict[str, bytes | Path] = {
        MANIFEST_MEMBER: render_json(manifest.model_dump(mode="json", exclude_none=True)),
        PARITY_MEMBER: render_json(parity),
        MODEL_MEMBER: model,
    }
    if inputs.classes is not None:
        members[CLASSES_MEMBER] = render_classes(inputs.classes)
    archive = workspace / ARCHIVE_NAME
    written = write_archive(archive, members)
    # What serves is what comes out of this very file, so that is what must be the proved model.
    if member_sha256(archive, MODEL_MEMBER) != digest:
        raise ParityFailed("The model in the archive is not the one that was proved: publish again; check the disk.")
    samples = expect_answers(inputs.samples, traced.answers) if traced.answers else inputs.samples
    samples_file, evidence_file = workspace / SAMPLES_NAME, workspace / EVIDENCE_NAME
    samples_file.write_text(render_samples(samples), encoding="utf-8")
    figures = describe_run(traced, proved, archive_size=written.size, model_size=model.stat().st_size)
    evidence_file.write_bytes(render_json({**parity, "run": figures}))
    return Package(archive, written.sha256, written.size, samples_file, evidence_file, manifest)
