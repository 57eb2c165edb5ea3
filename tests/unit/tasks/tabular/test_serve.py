"""Tables of numbers, answered by trees and by torch."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xgboost

from model_tools.serving.failures import ModelFailed
from model_tools.serving.service import handle
from tests.support.serving.archives import Double
from tests.support.serving.kinds import TABULAR, served

TREES = TABULAR | {"format": "xgboost", "axes": {"batch": {"max": 64}}}
ROW = [3.0, 1.0, 4.0, 1.0]
ROWS = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)


def trained(objective: str, **parameters: Any) -> xgboost.Booster:
    score = ROWS[:, 0] + 2 * ROWS[:, 1]
    labels = {
        "reg": score, "bin": score > 0, "mul": np.digitize(score, [-1, 1]),
    }[objective[:3]]  # fmt: skip
    settings = {"objective": objective, "max_depth": 3, "nthread": 1, **parameters}
    return xgboost.train(settings, xgboost.DMatrix(ROWS, label=labels), num_boost_round=4)


def ask(folder: Path, booster: xgboost.Booster, request: object, classes: bytes | None = None) -> dict[str, Any]:
    predictor = served(folder, TREES, bytes(booster.save_raw("ubj")), {"classes.txt": classes} if classes else {})
    return handle(request, predictor, version="7")


def test_a_row_is_answered_with_a_number_and_rows_with_as_many(tmp_path: Path) -> None:
    booster = trained("reg:squarederror")
    wanted = booster.predict(xgboost.DMatrix(np.array([ROW, ROW[::-1]], np.float32))).tolist()
    predictor = served(tmp_path, TREES, bytes(booster.save_raw("ubj")))

    assert handle({"input_X": ROW}, predictor, version="7") == {
        "message": "Successful prediction", "prediction": wanted[0],
        "library": f"xgboost {xgboost.__version__}", "device": "cpu", "version": "7",
    }  # fmt: skip
    assert handle({"input_X": [ROW, ROW[::-1]]}, predictor, version="7")["prediction"] == wanted
    assert handle({"input": [ROW, ROW[::-1]]}, predictor, version="7")["output"] == wanted


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax", "binary:logistic", "binary:hinge"])
def test_a_class_is_named_whatever_the_objective_answers(tmp_path: Path, objective: str) -> None:
    several = objective.startswith("multi")
    booster = trained(objective, **({"num_class": 3} if several else {}))
    names = ["low", "middle", "high"] if several else ["low", "high"]

    answer = ask(tmp_path, booster, {"input_X": [[9, 9, 0, 0], [-9, -9, 0, 0]]}, "\n".join(names).encode())

    assert answer["class"] == ["high", "low"]
    if objective in ("multi:softprob", "binary:logistic"):
        assert all(0.5 < confidence < 1 for confidence in answer["confidence"])
    else:
        assert "confidence" not in answer


def test_what_is_not_known_is_null_to_trees(tmp_path: Path) -> None:
    booster = trained("reg:squarederror")
    table = np.array([[math.nan, 1, 4, math.nan]], np.float32)

    answer = ask(tmp_path, booster, {"input_X": [None, 1, 4, None]})

    assert answer["prediction"] == pytest.approx(float(booster.inplace_predict(table)[0]))


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        pytest.param({}, "give one of input", id="empty"),
        pytest.param({"input_X": ROW, "input": [ROW]}, "give one of input_X", id="two tables"),
        pytest.param({"input_X": ROW[:3]}, "input_X has shape [1, 3]; the model takes ['batch', 4]", id="too narrow"),
        pytest.param({"input_X": [ROW] * 65}, "batch from 1 to 64", id="too many rows"),
        pytest.param({"input_X": []}, "input_X has shape [0]", id="no rows"),
        pytest.param({"input_X": 3}, "input_X has shape []", id="number"),
        pytest.param({"input_X": "3141"}, "input_X has shape []", id="text"),
        pytest.param({"input_X": [1, 2, 3, "4"]}, "must hold numbers", id="text in a row"),
        pytest.param({"input_X": [1, 2, 3, math.nan]}, "write null for a missing value", id="NaN"),
        pytest.param({"input_X": [1, 2, 3, math.inf]}, "no finite float32", id="infinity"),
        pytest.param({"input_X": [1, 2, 3, 10**400]}, "must hold numbers", id="beyond float"),
        pytest.param({"inputs": [[ROW], [ROW]]}, "takes 1 input(s)", id="two inputs"),
    ],
)
def test_a_bad_table_is_answered_400_with_what_is_wrong(tmp_path: Path, request_: object, told: str) -> None:
    answer = ask(tmp_path, trained("reg:squarederror"), request_)

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert told in answer["message"]


def test_tables_are_answered_by_torch_as_well(tmp_path: Path) -> None:
    predictor = served(tmp_path, TABULAR, Double(), {"classes.txt": b"a\nb\nc\nd\n"})

    answer = handle({"input_X": [0, 1, 0, 0]}, predictor, version="7")

    assert answer["prediction"] == [0, 2, 0, 0]
    assert (answer["class"], answer["confidence"]) == ("b", pytest.approx(math.exp(2) / (math.exp(2) + 3)))
    assert answer["library"].startswith("torch 2.")


class First(torch.nn.Module):
    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return table[:, :1]


def test_one_number_a_row_is_answered_without_a_list_around_it(tmp_path: Path) -> None:
    predictor = served(tmp_path, TABULAR, First())

    assert handle({"input_X": ROW}, predictor, version="7")["prediction"] == 3
    assert handle({"input_X": [ROW, ROW]}, predictor, version="7")["prediction"] == [3, 3]


def test_a_class_beyond_the_named_ones_is_the_models_failure(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="beyond its 1"):
        ask(tmp_path, trained("multi:softmax", num_class=3), {"input_X": [9, 9, 0, 0]}, b"only\n")


def test_a_row_without_its_batch_is_answered_by_trees_as_one(tmp_path: Path) -> None:
    booster = trained("multi:softprob", num_class=3)
    table = np.array([[3, math.nan, 4, 1]], np.float32)
    wanted = booster.inplace_predict(table)[0].tolist()

    predictor = served(tmp_path, TREES, bytes(booster.save_raw("ubj")))

    assert handle({"input": [3, None, 4, 1]}, predictor, version="7")["output"] == wanted
    assert handle({"input": [[3, None, 4, 1]]}, predictor, version="7")["output"] == [wanted]
    told = handle({"input": [3, math.nan, 4, 1]}, predictor, version="7")
    assert "write null for a missing value" in told["message"]


def test_a_table_of_readings_for_each_row_may_lack_the_batch_axis(tmp_path: Path) -> None:
    manifest = TABULAR | {"inputs": [{"shape": ["batch", 2, 2]}]}
    predictor = served(tmp_path, manifest, Double())
    readings = [[1.0, 2.0], [3.0, 4.0]]

    assert handle({"input_X": readings}, predictor, version="7")["prediction"] == [[2.0, 4.0], [6.0, 8.0]]
    assert handle({"input_X": [readings]}, predictor, version="7")["prediction"] == [[[2.0, 4.0], [6.0, 8.0]]]
    assert handle({"input_X": readings[0]}, predictor, version="7")["statusCode"] == 400


class Shares(torch.nn.Module):
    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return table / 10


def test_probabilities_are_answered_as_they_are(tmp_path: Path) -> None:
    files = {"classes.txt": b"a\nb\nc\nd\n"}
    predictor = served(tmp_path, TABULAR | {"scores": "probabilities"}, Shares(), files)

    answer = handle({"input_X": [1, 2, 3, 4]}, predictor, version="7")

    assert (answer["class"], answer["confidence"]) == ("d", pytest.approx(0.4))
    with pytest.raises(ModelFailed, match="no probabilities, although"):
        handle({"input_X": [1, 2, 3, 40]}, predictor, version="7")
    with pytest.raises(ModelFailed, match="no probabilities, although"):
        handle({"input_X": [1, 2, 3, 3]}, predictor, version="7")


@pytest.mark.parametrize("scores", ["logits", "probabilities"])
def test_one_value_gives_both_classes_their_share(tmp_path: Path, scores: str) -> None:
    files = {"classes.txt": b"no\nyes\n"}
    predictor = served(tmp_path, TABULAR | {"scores": scores}, First(), files)
    second = 0.75 if scores == "probabilities" else math.log(3)

    assert handle({"input_X": [second, 0, 0, 0]}, predictor, version="7")["class"] == "yes"
    assert handle({"input_X": [second, 0, 0, 0]}, predictor, version="7")["confidence"] == pytest.approx(0.75)
    first = handle({"input_X": [0.25 if scores == "probabilities" else -second, 0, 0, 0]}, predictor, version="7")
    assert (first["class"], first["confidence"]) == ("no", pytest.approx(0.75))
