"""An XGBoost model: examined, loaded and saved in one child process, proved in another."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from model_tools.errors import ClassesMismatch, ManifestInvalid, ModelTooLarge, ParityFailed, TraceFailed
from model_tools.formats.archive import TREES_MEMBER
from model_tools.packaging.checkpoint.class_names import check_width
from model_tools.packaging.checks import Checked, ProvedModel, Report
from model_tools.packaging.children.parent_side import open_regular, run_child
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.messages import (
    ANSWERS_FILE,
    SAMPLES_FILE,
    TREES_FILE,
    TreesJob,
    TreesParityJob,
    TreesParityResult,
    TreesResult,
)
from model_tools.packaging.proof.output_shapes import BINARY_CLASSES, Answered, check_answer_form
from model_tools.packaging.trees.nodes import Span
from model_tools.packaging.trees.trees_file import TreesFile, examine_trees

USUAL_SPAN = (-2.0, 2.0)
"""Of a feature that no tree asks for: it changes no answer."""
BEYOND = 0.25
"""How far a case's values may lie beyond what the trees ask for, as a share of the span."""


def prove_trees(checked: Checked, scratch: Path, workspace: Path, limits: Limits, report: Report) -> ProvedModel:
    """Return the model as it will be served, in the workspace, with the proof.

    Raises CheckpointRejected, ManifestInvalid, ClassesMismatch, ModelTooLarge, ParityFailed, or TraceFailed when a
    child cannot do its work.
    """
    report("Checking the checkpoint")
    trees = examine_trees(checked.folder.checkpoint, limits=limits)
    _check_features(checked, trees)
    _check_classes(checked, trees)
    report("Loading the trees")
    loaded = _load(checked, trees, scratch, limits)
    model = _take_model(scratch, workspace, limits)
    report("Proving that the saved trees answer as the trained ones")
    proved = _prove(checked, model, scratch, limits)
    return ProvedModel(
        file=model,
        format="xgboost",
        checkpoint_sha256=trees.sha256,
        output_dtype="float32",
        library_version=loaded.xgboost_version,
        answers=loaded.answers,
        parity={
            "verdict": "same",
            "xgboost_version": proved.xgboost_version,
            "objective": trees.objective,
            "features": trees.features,
            "trees": trees.trees,
            "rounds": None if trees.best_iteration is None else trees.best_iteration + 1,
            "tolerance": 0,
            "cases": [
                {**case.model_dump(exclude_none=True), "max_abs": difference}
                for case, difference in zip(checked.cases, proved.differences, strict=True)
            ],
        },
        run={
            "seconds": {"load": loaded.seconds, "parity": proved.seconds},
            "latency_ms": proved.latency_ms,
            "model_size": model.stat().st_size,
        },
    )


def _check_features(checked: Checked, trees: TreesFile) -> None:
    spec = checked.manifest.inputs[0]
    if spec.shape[1] != trees.features:
        raise ManifestInvalid(
            f"inputs.0.shape: {spec.shape} has {spec.shape[1]} features, {trees.path.name} was trained with "
            f"{trees.features}: correct the shape."
        )
    if spec.dtype != "float32":
        raise ManifestInvalid(f"inputs.0.dtype: XGBoost computes in float32, not in {spec.dtype}: remove dtype.")


def _check_classes(checked: Checked, trees: TreesFile) -> None:
    if checked.classes is None:
        return
    where = checked.manifest.classes or "classes"
    if trees.objective.startswith("multi:"):
        check_width(checked.classes, trees.outputs, where=where)
    elif trees.objective.startswith("binary:"):
        check_width(checked.classes, BINARY_CLASSES, where=where)
    else:
        raise ClassesMismatch(
            f"{where} names classes, and {trees.path.name} with its objective {trees.objective} answers numbers: "
            "remove classes, or publish a classifier."
        )


def _load(checked: Checked, trees: TreesFile, scratch: Path, limits: Limits) -> TreesResult:
    (scratch / SAMPLES_FILE).write_text(json.dumps([event.inputs for event in checked.events]), encoding="utf-8")
    given = checked.manifest.inputs[0].range
    job = TreesJob(
        checkpoint=trees.path,
        rounds=None if trees.best_iteration is None else trees.best_iteration + 1,
        features=trees.features,
        spans=[given or _beyond(span) for span in trees.spans],
        cases=checked.cases,
    )
    result = run_child(
        "model_tools.packaging.trees.load_worker", job, TreesResult,
        scratch=scratch, cwd=scratch, seconds=limits.child_seconds,
    )  # fmt: skip
    if len(result.shapes) != len(checked.cases) or len(result.answers) != len(checked.events):
        raise TraceFailed("Loading the trees left a result for other inputs than were given: publish again.")
    for case, shape in zip(checked.cases, result.shapes, strict=True):
        answered = Answered("tensor", "float32", shape)
        check_answer_form(checked.manifest, case, answered, classes=None, tokens=None)
    return result


def _take_model(scratch: Path, workspace: Path, limits: Limits) -> Path:
    saved, model = scratch / TREES_FILE, workspace / TREES_MEMBER
    os.close(open_regular(saved, what="the saved trees"))
    if saved.stat().st_size > limits.model_bytes:
        raise ModelTooLarge(
            f"The trees have {saved.stat().st_size:,} bytes, {limits.model_bytes:,} is the limit of the function that "
            "serves them: train fewer or shallower ones."
        )
    examine_trees(saved, limits=limits)  # what is served is this file, whatever the reader made of the other
    saved.replace(model)
    return model


def _prove(checked: Checked, model: Path, scratch: Path, limits: Limits) -> TreesParityResult:
    os.close(open_regular(scratch / ANSWERS_FILE, what="the model's answers"))
    result = run_child(
        "model_tools.packaging.trees.parity_worker", TreesParityJob(model=model, cases=len(checked.cases)),
        TreesParityResult, scratch=scratch, cwd=scratch, seconds=limits.child_seconds,
    )  # fmt: skip
    refuse_other_answers(checked.cases, result.differences)
    return result


def refuse_other_answers(cases: Sequence[Case], differences: Sequence[float]) -> None:
    """Raise ParityFailed unless every answer is the same to the last bit: the format changes, the numbers do not."""
    for case, difference in zip(cases, differences, strict=True):
        if difference != 0:
            found = f"the largest difference is {difference:.3g}" if difference > 0 else "in another form"
            raise ParityFailed(
                f"The saved trees answer {case.label} otherwise than the trained ones ({found}): save the checkpoint "
                "with the xgboost that serves it, and publish again."
            )


def _beyond(span: Span) -> tuple[float, float]:
    """Return the values between which a feature is drawn, so that walks go both ways at every node."""
    if span is None:
        return USUAL_SPAN
    low, high = span
    margin = BEYOND * (high - low) or max(1.0, abs(low))
    return low - margin, high + margin
