"""Traces a PyTorch model in one child process, which runs the user's code, and proves it in another, which does not.

A third child process builds the model again (model_tools.packaging.proof.rebuild).
"""

import json
import os
from pathlib import Path

from model_tools.errors import CheckpointRejected, ManifestInvalid, ParityFailed, TraceFailed
from model_tools.formats.archive import MODEL_MEMBER
from model_tools.formats.sections import Scores
from model_tools.packaging.archive.torchscript_file import rewrite_reproducibly
from model_tools.packaging.checked_folder import CheckedFolder, Report
from model_tools.packaging.checkpoint.checkpoint_file import CheckpointFile, check_code, examine_checkpoint, file_sha256
from model_tools.packaging.checkpoint.compiled_file import check_script
from model_tools.packaging.children.messages import SAMPLES_FILE
from model_tools.packaging.children.processes import open_regular
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.answer_form import AnswerForm, examine_answers
from model_tools.packaging.proof.cases import Cases, cases_of
from model_tools.packaging.proof.decoding import refuse_decoding, sample_images
from model_tools.packaging.proof.evidence import describe_parity, describe_quantization, describe_run
from model_tools.packaging.proof.hash_dependence import may_depend_on_hashes
from model_tools.packaging.proof.messages import (
    IMAGES_FOLDER,
    REFERENCE_FILE,
    TRACED_FILE,
    UNQUANTIZED_FILE,
    DecodingJob,
    ParityJob,
    ParityResult,
    QuantizationJob,
    TraceJob,
    TraceResult,
)
from model_tools.packaging.proof.proved_model import ProvedModel
from model_tools.packaging.proof.rebuild import REBUILD_WORKER, Rebuild, prepare_rebuild
from model_tools.packaging.proof.serving_rows import refuse_rows, rows_job
from model_tools.packaging.proof.tolerance import quantized_tolerance, refuse_differences, refuse_quantized
from model_tools.packaging.stopwatch import Stopwatch

TRACE_WORKER = "model_tools.packaging.proof.trace_worker"
PARITY_WORKER = "model_tools.packaging.proof.parity_worker"
BYTES_OF_A_WEIGHT = 4
"""The bytes of a float32, by which the number of a checkpoint's weights is estimated."""
MODULES = (TRACE_WORKER, PARITY_WORKER, REBUILD_WORKER)
"""All import torch, which is imported once for them."""


def prove_trace(
    checked: CheckedFolder, scratch: Path, workspace: Path, limits: Limits, report: Report, workers: Workers
) -> ProvedModel:
    """Trace and prove the model, and return it as a file in the workspace, together with the proof.

    Raises CheckpointRejected, ManifestInvalid, TraceFailed, ClassesMismatch, ModelTooLarge and ParityFailed.
    """
    watch = Stopwatch()
    workers.prepare(MODULES)
    uses_hashes = may_depend_on_hashes(checked.manifest.architecture, checked.folder.path)
    if uses_hashes:
        prepare_rebuild(workers)
    report("Checking the checkpoint")
    checkpoint = examine_checkpoint(checked.folder.checkpoint, limits=limits)
    _check_kind(checked, checkpoint)
    check_code(checkpoint)
    watch.lap("check")
    report("Loading and tracing the model")
    size = checkpoint.path.stat().st_size
    cases = cases_of(checked, limits, weights=size // BYTES_OF_A_WEIGHT)
    job = TraceJob(
        folder=checked.folder.path, checkpoint=checkpoint.path, kind=checkpoint.kind,
        manifest=checked.manifest, trace=cases.traced, cases=cases.proved, sizes=cases.sizes,
    )  # fmt: skip
    traced = _trace(checked, cases, job, scratch, limits, workers)
    watch.lap("first_child")
    form = examine_answers(checked, cases.proved, traced)
    report("Proving that the traced model answers as the trained one")
    model = workspace / MODEL_MEMBER
    _take_model(scratch / TRACED_FILE, model, limits)
    unquantized = _take_unquantized(checked, scratch, limits)
    digest = file_sha256(model)
    with Rebuild(
        job, len(traced.outputs), size=size, shared=None if uses_hashes else MODULES, scratch=scratch, limits=limits,
        workers=workers,
    ) as rebuild:  # fmt: skip
        proved = _prove(checked, cases, traced, form, model, unquantized, scratch, limits, workers)
    watch.lap("other_children")
    if file_sha256(model) != digest:
        raise ParityFailed("The traced model's file was changed while it was proved: let forward write no files.")
    quantized = None
    if unquantized is not None:
        sizes = (unquantized.stat().st_size, model.stat().st_size)
        quantized = describe_quantization(checked.manifest, proved, sizes=sizes)
    return ProvedModel(
        file=model,
        format="torchscript",
        checkpoint_sha256=checkpoint.sha256,
        output_dtype=traced.outputs[0].dtype,
        library_version=traced.torch_version,
        answers=traced.answers,
        parity={
            **describe_parity(checked.manifest, cases, traced, proved),
            "built_again": rebuild.described,
            **form.described(),
        },
        run=describe_run(traced, proved, rebuild.result, steps=watch.seconds, model_size=model.stat().st_size),
        batch_axes=form.batch_axes,
        scores=form.scores,
        channels_last=traced.channels_last,
        reduced_decoding=_may_reduce(checked),
        rows_apart=proved.rows.independent is False,
        padding_counts=proved.rows.ignores_padding is False,
        allowances=proved.allowances,
        evidence={} if quantized is None else {"quantize": quantized},
    )


def _check_kind(checked: CheckedFolder, checkpoint: CheckpointFile) -> None:
    named = checked.manifest.architecture is not None
    quantize = checked.manifest.optimize.quantize
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
    if quantize != "none" and not named:
        kind = "TorchScript" if checkpoint.kind == "torchscript" else "an exported program (.pt2)"
        raise ManifestInvalid(
            f"optimize.quantize: {checkpoint.path.name} is {kind}, whose layers are compiled into a graph and cannot "
            f"be exchanged for {quantize} ones: publish the weights with their architecture, or remove quantize."
        )


def _trace(
    checked: CheckedFolder,
    cases: Cases,
    job: TraceJob,
    scratch: Path,
    limits: Limits,
    workers: Workers,
) -> TraceResult:
    (scratch / SAMPLES_FILE).write_text(json.dumps([event.inputs for event in checked.events]), encoding="utf-8")
    result = workers.run(
        TRACE_WORKER, job, TraceResult, modules=MODULES,
        scratch=scratch, cwd=checked.folder.path, seconds=limits.child_seconds,
    )  # fmt: skip
    told = (result.shapes, result.values)
    complete = all(len(found) == len(cases.proved) for found in told) and all(
        len(of_case) == len(result.outputs) for found in told for of_case in found
    )
    if not complete or len(result.answers) != len(checked.events):
        raise TraceFailed("The model's code left a result for other inputs than it was given: run it once by hand.")
    return result


def _take_model(traced: Path, model: Path, limits: Limits) -> None:
    """Take the file that the user's process wrote, and check it as a checkpoint of the user's before it is loaded."""
    os.close(open_regular(traced, what="the traced model"))
    rewrite_reproducibly(traced, model, limits=limits)
    traced.unlink()
    try:
        check_script(model, name="The traced model")
    except CheckpointRejected as error:
        raise TraceFailed(str(error)) from error


def _take_unquantized(checked: CheckedFolder, scratch: Path, limits: Limits) -> Path | None:
    """Return the traced model before quantisation; None for a model that is not quantised."""
    if checked.manifest.optimize.quantize == "none":
        return None
    unquantized = scratch / f"rewritten-{UNQUANTIZED_FILE}"
    _take_model(scratch / UNQUANTIZED_FILE, unquantized, limits)
    return unquantized


def _prove(
    checked: CheckedFolder,
    cases: Cases,
    traced: TraceResult,
    form: AnswerForm,
    model: Path,
    unquantized: Path | None,
    scratch: Path,
    limits: Limits,
    workers: Workers,
) -> ParityResult:
    os.close(open_regular(scratch / REFERENCE_FILE, what="the model's answers"))
    manifest = checked.manifest
    share = quantized_tolerance(manifest.optimize)
    job = ParityJob(
        model=model, inputs=len(manifest.inputs), outputs=len(traced.outputs), cases=cases.proved,
        channels_last=traced.channels_last, has_classes=checked.classes is not None,
        quantized=(
            None if unquantized is None or share is None else QuantizationJob(unquantized=unquantized, tolerance=share)
        ),
        decoding=_decoding_job(checked, form.scores, scratch),
        rows=rows_job(checked),
    )  # fmt: skip
    result = workers.run(
        PARITY_WORKER, job, ParityResult, modules=MODULES,
        scratch=scratch, cwd=scratch, seconds=limits.child_seconds,
    )  # fmt: skip
    if result.quantized is None:
        refuse_differences(cases.proved, result.differences, traced=cases.traced, sizes_read=traced.sizes_read)
    else:
        refuse_differences(
            cases.proved, result.quantized.differences_before, traced=cases.traced, sizes_read=traced.sizes_read
        )
        refuse_quantized(cases.proved, result.differences, manifest.optimize)
    refuse_decoding(result.decoding)
    refuse_rows(result.rows, checked)
    return result


def _may_reduce(checked: CheckedFolder) -> bool:
    """Tell whether serving may decode large JPEGs at reduced size once it is proved that the answers are alike."""
    return checked.manifest.preprocess is not None and checked.spec.reduced_decoding is not None


def _decoding_job(checked: CheckedFolder, scores: Scores | None, scratch: Path) -> DecodingJob | None:
    """Write the samples' images for the child, and return its job; None for a model without reduced decoding."""
    manifest = checked.manifest
    if manifest.preprocess is None or not _may_reduce(checked):
        return None
    folder = scratch / IMAGES_FOLDER
    folder.mkdir()
    names = []
    for number, (name, image) in enumerate(sample_images(checked.samples)):
        (folder / str(number)).write_bytes(image)
        names.append(name)
    return DecodingJob(
        preprocess=manifest.preprocess, dtype=manifest.inputs[0].dtype, names=names,
        compared=checked.spec.reduced_decoding or "values", scores=scores,
    )  # fmt: skip
