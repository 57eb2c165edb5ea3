"""The child process that loads the saved trees and proves that they answer as the trained ones."""

import statistics
import time
from pathlib import Path
from typing import NoReturn

import numpy as np
import xgboost

from model_tools.packaging.children.worker import answer_job
from model_tools.packaging.trees.load_worker import load_booster
from model_tools.packaging.trees.messages import ANSWERS_FILE, TreesParityJob, TreesParityResult

LATENCY_RUNS = 25
"""The number of calls whose times are measured."""


def compare_trees(job: TreesParityJob, scratch: Path) -> TreesParityResult:
    """Do the job: compare the saved trees' answer to every case with the trained ones'."""
    xgboost.set_config(verbosity=0)
    began = time.perf_counter()
    booster = load_booster(job.model)
    at_loaded = time.perf_counter()
    differences = []
    with np.load(scratch / ANSWERS_FILE, allow_pickle=False) as arrays:
        for number in range(job.cases):
            expected = arrays[f"{number}.out"]
            answer = booster.inplace_predict(arrays[f"{number}.in"])
            comparable = answer.shape == expected.shape and bool(np.isfinite(answer).all())
            differences.append(float(np.abs(answer - expected).max(initial=0.0)) if comparable else -1.0)
        row = arrays["0.in"][:1]
    at_compared = time.perf_counter()
    times = []
    for _ in range(LATENCY_RUNS):
        asked = time.perf_counter()
        booster.inplace_predict(row)
        times.append(time.perf_counter() - asked)
    return TreesParityResult(
        differences=differences,
        latency_ms=round(statistics.median(times) * 1000, 3),
        xgboost_version=xgboost.__version__,
        seconds={"load": round(at_loaded - began, 3), "compare": round(at_compared - at_loaded, 3)},
    )


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(TreesParityJob, compare_trees, scratch)
