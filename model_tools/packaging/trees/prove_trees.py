"""Examines an XGBoost model, loads and saves it in one child process, and proves it in another."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from model_tools.errors import ManifestInvalid, ModelTooLarge, ParityFailed, TraceFailed
from model_tools.formats.archive import TREES_MEMBER
from model_tools.packaging.checked_folder import CheckedFolder, Report
from model_tools.packaging.children.messages import SAMPLES_FILE
from model_tools.packaging.children.processes import open_regular
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.cases import Case, cases_of
from model_tools.packaging.proof.proved_model import ProvedModel
from model_tools.packaging.proof.tolerance import rounding_allowance
from model_tools.packaging.trees.messages import (
    ANSWERS_FILE,
    TREES_FILE,
    TreesJob,
    TreesParityJob,
    TreesParityResult,
    TreesResult,
)
from model_tools.packaging.trees.nodes import Span
from model_tools.packaging.trees.rounds import ServedRounds, choose_rounds
from model_tools.packaging.trees.trees_file import TreesFile, examine_trees
from model_tools.tasks.answers import AnsweredCase, AnsweredTensor
from model_tools.tasks.tabular.objectives import check_class_names
from model_tools.tasks.tabular.spec import Trees

LOAD_WORKER = "model_tools.packaging.trees.load_worker"
PARITY_WORKER = "model_tools.packaging.trees.parity_worker"
MODULES = (LOAD_WORKER, PARITY_WORKER)
"""Both import XGBoost, which is imported once for them."""
USUAL_SPAN = (-2.0, 2.0)
"""The span of a feature that no tree uses; its values change no answer."""
MARGIN_SHARE = 0.25
"""Cases are drawn from a span that is wider than the trees' own, at each end by this share of it."""


def prove_trees(
    checked: CheckedFolder, scratch: Path, workspace: Path, limits: Limits, report: Report, workers: Workers
) -> ProvedModel:
    """Save and prove the trees, and return them as a file in the workspace, together with the proof.

    Raises CheckpointRejected, ManifestInvalid, ClassesMismatch, ModelTooLarge, ParityFailed, or TraceFailed for a child
    that fails.
    """
    workers.prepare(MODULES)
    report("Checking the checkpoint")
    trees = examine_trees(checked.folder.checkpoint, limits=limits)
    _check_features(checked, trees)
    _check_classes(checked, trees)
    wanted = Trees.model_validate(checked.manifest.settings).rounds
    served = choose_rounds(trees.rounds, wanted, name=trees.path.name)
    report("Loading the trees")
    cases = cases_of(checked, limits).proved
    loaded = _load(checked, cases, trees, served, scratch, limits, workers)
    model = _take_model(scratch, workspace, limits)
    report("Proving that the saved trees answer as the trained ones")
    proved = _prove(cases, model, scratch, limits, workers)
    return ProvedModel(
        file=model,
        format="xgboost",
        checkpoint_sha256=trees.sha256,
        output_dtype="float32",
        library_version=loaded.xgboost_version,
        answers=loaded.answers,
        allowances=[rounding_allowance(answer) for answer in loaded.answers],
        batch_axes=[0],
        parity={
            "verdict": "same",
            "xgboost_version": proved.xgboost_version,
            "objective": trees.objective,
            "features": trees.features,
            "trees": trees.trees,
            "rounds": served.count or trees.rounds.total,
            "notes": [*filter(None, [served.note]), *trees.notes],
            "tolerance": 0,
            "cases": [
                {**case.model_dump(exclude_none=True), "max_abs": difference}
                for case, difference in zip(cases, proved.differences, strict=True)
            ],
        },
        run={
            "seconds": {"load": loaded.seconds, "parity": proved.seconds},
            "latency_ms": proved.latency_ms,
            "model_size": model.stat().st_size,
        },
    )


def _check_features(checked: CheckedFolder, trees: TreesFile) -> None:
    spec = checked.manifest.inputs[0]
    if spec.shape[1] != trees.features:
        raise ManifestInvalid(
            f"inputs.0.shape: {spec.shape} has {spec.shape[1]} features, {trees.path.name} was trained with "
            f"{trees.features}: correct the shape."
        )
    if spec.dtype != "float32":
        raise ManifestInvalid(f"inputs.0.dtype: XGBoost computes in float32, not in {spec.dtype}: remove dtype.")


def _check_classes(checked: CheckedFolder, trees: TreesFile) -> None:
    if checked.classes is None:
        return
    check_class_names(
        checked.classes, trees.objective, classes=trees.classes, targets=trees.targets, model=trees.path.name,
        where=checked.classes_file,
    )  # fmt: skip


def _load(
    checked: CheckedFolder,
    cases: list[Case],
    trees: TreesFile,
    served: ServedRounds,
    scratch: Path,
    limits: Limits,
    workers: Workers,
) -> TreesResult:
    (scratch / SAMPLES_FILE).write_text(json.dumps([event.inputs for event in checked.events]), encoding="utf-8")
    given = checked.manifest.inputs[0].range
    job = TreesJob(
        checkpoint=trees.path,
        version=list(trees.version),
        rounds=served.count,
        features=trees.features,
        spans=[given or _widened(span) for span in trees.spans],
        cases=cases,
    )
    result = workers.run(
        LOAD_WORKER, job, TreesResult, modules=MODULES,
        scratch=scratch, cwd=scratch, seconds=limits.child_seconds,
    )  # fmt: skip
    if len(result.shapes) != len(cases) or len(result.answers) != len(checked.events):
        raise TraceFailed("Loading the trees left a result for other inputs than were given: publish again.")
    for case, shape in zip(cases, result.shapes, strict=True):
        checked.spec.check_answer(AnsweredCase("tensor", [AnsweredTensor("", "float32", shape)], case.shapes))
    return result


def _take_model(scratch: Path, workspace: Path, limits: Limits) -> Path:
    saved, model = scratch / TREES_FILE, workspace / TREES_MEMBER
    os.close(open_regular(saved, what="the saved trees"))
    if saved.stat().st_size > limits.model_bytes:
        raise ModelTooLarge(
            f"The trees have {saved.stat().st_size:,} bytes, {limits.model_bytes:,} is the limit of the function that "
            "serves them: train fewer or shallower ones."
        )
    examine_trees(saved, limits=limits)  # XGBoost has written this file anew, and this is the one that will be served
    saved.replace(model)
    return model


def _prove(cases: Sequence[Case], model: Path, scratch: Path, limits: Limits, workers: Workers) -> TreesParityResult:
    os.close(open_regular(scratch / ANSWERS_FILE, what="the model's answers"))
    result = workers.run(
        PARITY_WORKER, TreesParityJob(model=model, cases=len(cases)), TreesParityResult, modules=MODULES,
        scratch=scratch, cwd=scratch, seconds=limits.child_seconds,
    )  # fmt: skip
    refuse_other_answers(cases, result.differences)
    return result


def refuse_other_answers(cases: Sequence[Case], differences: Sequence[float]) -> None:
    """Raise ParityFailed unless all answers are equal to the bit: saving changes the format, but no number."""
    for case, difference in zip(cases, differences, strict=True):
        if difference != 0:
            found = f"the largest difference is {difference:.3g}" if difference > 0 else "in another form"
            raise ParityFailed(
                f"The saved trees answer {case.label} otherwise than the trained ones ({found}): save the checkpoint "
                "with the xgboost that serves it, and publish again."
            )


def _widened(span: Span) -> tuple[float, float]:
    """Return the span that a feature is drawn from, wide enough for walks to go both ways at every node."""
    if span is None:
        return USUAL_SPAN
    low, high = span
    margin = MARGIN_SHARE * (high - low) or max(1.0, abs(low))
    return low - margin, high + margin
