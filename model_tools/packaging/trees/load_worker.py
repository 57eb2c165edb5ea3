"""The child process that loads an XGBoost model, records its answers, and saves it as it will be served."""

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import xgboost

from model_tools.errors import CheckpointRejected, ManifestInvalid, ParityFailed
from model_tools.packaging.children.messages import SAMPLES_FILE
from model_tools.packaging.children.worker import answer_job
from model_tools.packaging.limits import MAX_EXPECTED_NUMBERS
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.trees.messages import ANSWERS_FILE, TREES_FILE, TreesJob, TreesResult

Table = np.ndarray[Any, np.dtype[np.float32]]

SOURCE_PLACE = re.compile(r"^\[[\d:]+\] \S+:\d+: ")
"""The time and the place in XGBoost's source with which its messages begin."""
MARGIN_TOLERANCE = 1e-5
"""The largest difference of two margins, relative and absolute: some 80 roundings of float32."""
MISSING_SHARE = 0.1
"""The share of missing values in the case `wide`, so that the way that a missing value takes is proved too."""


def save_trees(job: TreesJob, scratch: Path) -> TreesResult:
    """Do the job: load, answer the cases and save. Raises subclasses of PublishError."""
    xgboost.set_config(verbosity=0)
    began = time.perf_counter()
    refuse_newer_file(job.checkpoint.name, job.version)
    booster = load_booster(job.checkpoint)
    at_loaded = time.perf_counter()
    samples = iter(json.loads((scratch / SAMPLES_FILE).read_text(encoding="utf-8")))
    arrays: dict[str, Any] = {}
    answers: list[Any] = []
    for number, case in enumerate(job.cases):
        table = _sample_table(case, next(samples)) if case.sample else draw_table(case, job.spans)
        answer = _answer(booster, table, case, job)
        if not np.isfinite(answer).all():
            raise CheckpointRejected(
                f"{job.checkpoint.name} answers NaN or infinite values to {case.label}: train it again, with a lower "
                "learning rate or without rows that are not finite."
            )
        arrays |= {f"{number}.in": table, f"{number}.out": answer}
        answers.append(answer)
    np.savez(scratch / ANSWERS_FILE, allow_pickle=False, **arrays)
    served = booster if job.rounds is None else booster[: job.rounds]
    served.save_model(scratch / TREES_FILE)
    return TreesResult(
        shapes=[list(answer.shape) for answer in answers],
        answers=[
            answer.tolist() if answer.size <= MAX_EXPECTED_NUMBERS else None
            for case, answer in zip(job.cases, answers, strict=True)
            if case.sample
        ],
        xgboost_version=xgboost.__version__,
        seconds={"load": round(at_loaded - began, 3), "answer": round(time.perf_counter() - at_loaded, 3)},
    )


def refuse_newer_file(name: str, version: Sequence[int]) -> None:
    """Raise CheckpointRejected for a file of a newer version of XGBoost than this, which loads it without a word."""
    ours = [int(part) for part in xgboost.__version__.split(".")[:2]]
    if list(version[:2]) > ours:
        raise CheckpointRejected(
            f"{name} was saved by XGBoost {'.'.join(map(str, version))}, and {xgboost.__version__} serves it: an older "
            "version may read a newer file otherwise than it was meant. Train and save the model with XGBoost "
            f"{ours[0]}.{ours[1]} or older."
        )


def refuse_other_margins(booster: xgboost.Booster, table: Table, case: Case, rounds: int) -> None:
    """Raise ParityFailed unless `inplace_predict`, by which trees are served, answers as `Booster.predict` does.

    The margins are compared, since every answer is computed from them. They may differ by the roundings of a sum, as
    those of `dart` do, whose trees are weighted in another order.
    """
    # Names of features are not compared: a table of numbers has none, and old versions allowed any.
    data = xgboost.DMatrix(table, nthread=1)
    trained = booster.predict(data, output_margin=True, iteration_range=(0, rounds), validate_features=False)
    served = booster.inplace_predict(table, predict_type="margin", iteration_range=(0, rounds))
    if not np.allclose(trained, served, rtol=MARGIN_TOLERANCE, atol=MARGIN_TOLERANCE, equal_nan=True):
        raise ParityFailed(
            f"XGBoost {xgboost.__version__} answers {case.label} otherwise by inplace_predict, by which trees are "
            "served, than by Booster.predict: save the model with this version of XGBoost, and publish again."
        )


def load_booster(path: Path) -> xgboost.Booster:
    """Return the model in a file, set to compute with one thread. Raises CheckpointRejected."""
    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(path)
        booster.set_param({"nthread": 1})
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise CheckpointRejected(
            f"{path.name} cannot be loaded ({_reason(error)}): save it again with booster.save_model, with the xgboost "
            f"{xgboost.__version__} that serves it or an older one."
        ) from error
    return booster


def _answer(booster: xgboost.Booster, table: Table, case: Case, job: TreesJob) -> Table:
    rounds = job.rounds or 0
    try:
        answer: Table = booster.inplace_predict(table, iteration_range=(0, rounds))
        refuse_other_margins(booster, table, case, rounds)
    except xgboost.core.XGBoostError as error:
        raise CheckpointRejected(
            f"{job.checkpoint.name} is loaded, and XGBoost {xgboost.__version__} cannot answer {case.label} with it "
            f"({_reason(error)}): train it again with this version or an older one."
        ) from error
    return answer


def _reason(error: Exception) -> str:
    """Return the reason in XGBoost's message, whose first line has it after a time and a place in XGBoost's source."""
    first = next((line for line in str(error).splitlines() if line.strip()), "XGBoost gives no reason")
    return SOURCE_PLACE.sub("", first.strip()).rstrip(" :.")[:300]


def draw_table(case: Case, spans: Sequence[tuple[float, float]]) -> Table:
    """Return the rows of a case as float32 [rows, features], each feature drawn from its span.

    A `wide` case takes the ends of the spans and some missing values, a `narrow` one takes their middle.
    """
    rows = case.shapes[0][0]
    chance = np.random.default_rng(case.seed)
    share = chance.random((rows, len(spans)))
    if case.spread == "wide":
        share = share.round()
        share[chance.random(share.shape) < MISSING_SHARE] = np.nan
    elif case.spread == "narrow":
        share = 0.5 + (share - 0.5) / 100
    low, high = np.array(spans, dtype=np.float64).T
    largest = float(np.finfo(np.float32).max)
    table: Table = np.clip(low + (high - low) * share, -largest, largest).astype(np.float32)
    return table


def _sample_table(case: Case, values: Sequence[Any]) -> Table:
    try:
        table = np.array(values[0], dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise ManifestInvalid(
            f"{case.sample}: the event's input is no table of numbers ({error}): correct it."
        ) from error
    if list(table.shape) != case.shapes[0]:
        raise ManifestInvalid(f"{case.sample}: the event's rows differ in length: correct the sample.")
    return table


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(TreesJob, save_trees, scratch)
