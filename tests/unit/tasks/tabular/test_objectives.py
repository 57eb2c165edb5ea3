"""Each objective of XGBoost × numbers of outputs × numbers of class names: answered right, or refused with a remedy."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from model_tools.errors import ClassesMismatch
from model_tools.packaging.limits import Limits
from model_tools.packaging.trees.trees_file import TreesFile, examine_trees
from model_tools.serving.service import handle
from model_tools.tasks.tabular.objectives import CLASSIFIERS, check_class_names
from tests.support.packaging.boosters import FEATURES, TABLE, train_booster
from tests.support.serving.kinds import TABULAR, served

TREES = TABULAR | {"format": "xgboost", "inputs": [{"shape": ["batch", FEATURES]}], "axes": {"batch": {"max": 64}}}
VECTOR = {"targets": 2, "multi_strategy": "multi_output_tree"}
CLASSIFYING: dict[str, tuple[str, dict[str, Any], int]] = {
    "probability": ("binary:logistic", {}, 2),
    "probability of a forest": ("binary:logistic", {"num_parallel_tree": 2, "subsample": 0.5}, 2),
    "probability with dropout": ("binary:logistic", {"booster": "dart", "rate_drop": 0.5}, 2),
    "probability weighted": ("binary:logistic", {"scale_pos_weight": 3, "base_score": 0.3}, 2),
    "logit": ("binary:logitraw", {}, 2),
    "hinge": ("binary:hinge", {}, 2),
    "probabilities of two": ("multi:softprob", {"classes": 2}, 2),
    "probabilities of five": ("multi:softprob", {"classes": 5}, 5),
    "probabilities in one leaf": ("multi:softprob", {"classes": 3, "multi_strategy": "multi_output_tree"}, 3),
    "index of two": ("multi:softmax", {"classes": 2}, 2),
    "index of five": ("multi:softmax", {"classes": 5}, 5),
}
"""Models that choose a class: objective, settings of the training, and number of classes."""
NUMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "squared error": ("reg:squarederror", {}),
    "squared error of several": ("reg:squarederror", {"targets": 3}),
    "squared error in one leaf": ("reg:squarederror", VECTOR),
    "squared log error": ("reg:squaredlogerror", {}),
    "absolute error": ("reg:absoluteerror", {}),
    "absolute error of several": ("reg:absoluteerror", {"targets": 2}),
    "pseudo-Huber error": ("reg:pseudohubererror", {}),
    "logistic regression": ("reg:logistic", {}),
    "quantile": ("reg:quantileerror", {}),
    "several quantiles": ("reg:quantileerror", {"targets": 3}),
    "gamma": ("reg:gamma", {}),
    "Tweedie": ("reg:tweedie", {}),
    "Poisson": ("count:poisson", {}),
    "pairwise ranking": ("rank:pairwise", {}),
    "NDCG ranking": ("rank:ndcg", {}),
    "MAP ranking": ("rank:map", {}),
    "Cox hazard": ("survival:cox", {}),
    "accelerated failure time": ("survival:aft", {}),
    "labels": ("binary:logistic", {"targets": 2}),
    "labels in one leaf": ("binary:logistic", VECTOR),
    "logits of labels": ("binary:logitraw", {"targets": 3}),
    "hinges of labels": ("binary:hinge", {"targets": 2}),
    "one class": ("multi:softprob", {"classes": 1}),
    "index of one class": ("multi:softmax", {"classes": 1}),
}
"""Models that choose no class: objective and settings of the training."""
ROWS = [[None if math.isnan(number) else float(number) for number in row] for row in TABLE[:4]]


@pytest.fixture(autouse=True)
def _one_thread():
    """Let XGBoost compute with one thread, since the tables are too small for more."""
    with xgboost.config_context(nthread=1, verbosity=0):
        yield


def trained(folder: Path, objective: str, settings: dict[str, Any]) -> tuple[xgboost.Booster, TreesFile]:
    booster = train_booster(objective, **settings)
    booster.save_model(folder / "trees.ubj")
    return booster, examine_trees(folder / "trees.ubj", limits=Limits())


def names(count: int) -> list[str]:
    return [f"class {number}" for number in range(count)]


def refusal(found: TreesFile, count: int) -> str | None:
    try:
        check_class_names(
            names(count), found.objective, classes=found.classes, targets=found.targets, model="trees.ubj",
            where="classes.txt",
        )  # fmt: skip
    except ClassesMismatch as error:
        return str(error)
    return None


def check_every_form(folder: Path, booster: xgboost.Booster, classes: int) -> dict[str, Any]:
    """Compare the answers to all documented forms with those of Booster.predict, and return that to several rows."""
    members = {"classes.txt": "".join(f"{name}\n" for name in names(classes)).encode()} if classes else {}
    (folder / f"{classes}").mkdir()
    predictor = served(folder / f"{classes}", TREES, bytes(booster.save_raw("ubj")), members)
    wanted = booster.predict(xgboost.DMatrix(TABLE[:4]))
    answer = handle({"input_X": ROWS}, predictor, version="7")
    single = handle({"input_X": ROWS[1]}, predictor, version="7")
    assert np.array(answer["prediction"]) == pytest.approx(wanted, abs=1e-6)
    assert np.array(single["prediction"]) == pytest.approx(wanted[1], abs=1e-6)
    for request in ({"input": ROWS}, {"inputs": [ROWS]}):
        assert np.array(handle(request, predictor, version="7")["output"]) == pytest.approx(wanted, abs=1e-6)
    for field in ("class", "confidence"):
        assert answer.get(field, [None] * 2)[1] == pytest.approx(single.get(field))
    return answer


@pytest.mark.parametrize("kind", sorted(CLASSIFYING))
def test_a_classifier_takes_exactly_its_names_and_answers_the_class_that_it_learnt(tmp_path, kind):
    objective, settings, classes = CLASSIFYING[kind]
    booster, found = trained(tmp_path, objective, settings)
    assert {count: refusal(found, count) is None for count in range(1, classes + 3)} == {
        count: count == classes for count in range(1, classes + 3)
    }
    assert "class" not in check_every_form(tmp_path, booster, 0)

    answer = check_every_form(tmp_path, booster, classes)

    margins = booster.predict(xgboost.DMatrix(TABLE[:4]), output_margin=True)
    likeliest = margins.argmax(axis=1) if margins.ndim > 1 else (margins > 0).astype(int)
    assert answer["class"] == [f"class {index}" for index in likeliest]
    if objective in ("binary:hinge", "multi:softmax"):
        assert "confidence" not in answer
    elif margins.ndim > 1:
        shares = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
        assert answer["confidence"] == pytest.approx(shares.max(axis=1), abs=1e-5)
    else:
        assert answer["confidence"] == pytest.approx(1 / (1 + np.exp(-abs(margins))), abs=1e-5)


@pytest.mark.parametrize("kind", sorted(NUMBERS))
def test_what_chooses_no_class_is_answered_without_names_and_refused_with_them(tmp_path, kind):
    objective, settings = NUMBERS[kind]
    booster, found = trained(tmp_path, objective, settings)
    outputs = max(found.targets, found.classes)
    for count in sorted({1, 2, outputs, outputs + 1}):
        told = refusal(found, count)
        assert told is not None
        assert "remove classes" in told
        assert ("labels" in told) == (found.targets > 1 and objective in CLASSIFIERS)

    answer = check_every_form(tmp_path, booster, 0)

    assert "class" not in answer
    assert np.shape(answer["prediction"]) == ((4,) if outputs == 1 else (4, outputs))


def test_all_objectives_of_the_table_and_all_kinds_of_numbers_are_tried():
    assert {objective for objective, _, _ in CLASSIFYING.values()} == set(CLASSIFIERS)
    kinds = {objective.partition(":")[0] for objective, _ in NUMBERS.values()}
    assert kinds == {"reg", "rank", "count", "survival", "binary", "multi"}


@pytest.mark.parametrize("logit", [-800.0, -3.0, 0.0, 3.0, 800.0])
def test_a_logit_however_large_gives_a_probability(logit):
    index, confidence = CLASSIFIERS["binary:logitraw"].choose(logit)
    assert index == (logit > 0)
    assert 0.5 <= confidence <= 1
