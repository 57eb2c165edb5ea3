"""Requests that were made to do harm: each is answered with 400, and nothing of it reaches anybody but its sender."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from model_tools.serving.failures import ModelFailed
from model_tools.serving.served_model import ServedModel
from model_tools.serving.service import handle
from tests.support.serving.archives import TENSOR
from tests.support.serving.kinds import served
from tests.unit.serving.test_answers import recorded

SECRET = 6_066_660


class Pick(torch.nn.Module):
    """[N, 4] → the rows' numbers at the place that each begins with; it fails beyond the third."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.gather(1, rows[:, :1].long())


@pytest.fixture(scope="module")
def picky(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return served(tmp_path_factory.mktemp("picky"), TENSOR, Pick())


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(True, id="bool"),
        pytest.param("1,2,3,4", id="text"),
        pytest.param({}, id="empty object"),
        pytest.param({"a": [1]}, id="object"),
        pytest.param([None], id="null as a row"),
        pytest.param([[None] * 4], id="nulls"),
        pytest.param([["\ud800"] * 4], id="lone surrogates"),
        pytest.param([[{}] * 4], id="objects"),
        pytest.param([[[]] * 4], id="empty lists"),
        pytest.param([[]], id="an empty row"),
        pytest.param([[1, 2, 3, [4]]], id="a list as a number"),
        pytest.param([[1, 2], [3, 4]], id="too narrow"),
        pytest.param([[1, 2, 3, 4], [1, 2, 3]], id="ragged"),
        pytest.param(["1234"], id="text as a row"),
        pytest.param([1, [2, 3, 4]], id="a number before a row"),
        pytest.param([[1, 2, 3, 4], 5], id="a number after a row"),
        pytest.param([[1, 2, 3, 4], "1234"], id="text after a row"),
        pytest.param([[1, 2, 3, math.nan]], id="NaN"),
        pytest.param([[1, 2, 3, math.inf]], id="infinity"),
        pytest.param([[1, 2, 3, 1e39]], id="beyond float32"),
        pytest.param([[1, 2, 3, 10**400]], id="beyond float"),
        pytest.param([[1, 2, 3, -(10**18000)]], id="beyond the digits of an int"),
        pytest.param([[1, 2, 3, 4]] * 9, id="too many rows"),
        pytest.param(json.loads("[" * 900 + "]" * 900), id="deep nesting"),
    ],
)
def test_what_is_no_table_of_finite_numbers_is_a_bad_request(picky: ServedModel, value: object) -> None:
    answer = handle({"input": value}, picky, version="7")

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert json.dumps(answer, ensure_ascii=False).encode()
    assert len(json.dumps(answer)) < 600


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param('{"input": [[1, 2, 3, 4]], "input": [[9, 9, 9, 9]]}', "names a field twice", id="field twice"),
        pytest.param('{"input": [[1, 2, 3, Infinity]]}', "Infinity, which is no JSON number", id="infinity"),
        pytest.param('{"input": [[1, 2, 3, -1e400]]}', "no finite float32", id="beyond float32"),
        pytest.param("{" * 10_000, "not JSON", id="many open objects"),
        pytest.param('{"a":' * 10_000, "nested too deeply", id="deep nesting"),
        pytest.param('{"input": [[1, 2, 3, 4]]} {}', "not JSON", id="two documents"),
        pytest.param("\ufeff{}", "not JSON", id="byte order mark"),
        pytest.param('{"\\ud800": 1}', "unknown field(s)", id="lone surrogate as a field"),
        pytest.param('"text"', "must be a JSON object", id="text"),
    ],
)
def test_a_hostile_body_is_a_bad_request(picky: ServedModel, body: str, told: str) -> None:
    answer = handle(recorded("http_api") | {"body": body}, picky, version="7")

    assert answer["statusCode"] == 400
    assert told in json.loads(answer["body"])["message"]


def test_a_model_that_fails_does_not_quote_the_request(picky: ServedModel, caplog: pytest.LogCaptureFixture) -> None:
    """Lambda logs an error's class, message and trace; torch's message would hold the number."""
    with pytest.raises(ModelFailed) as failure:
        handle({"input": [[SECRET, 0, 0, 0]]}, picky, version="7")

    assert str(failure.value) == "the model failed with RuntimeError"
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
    assert str(SECRET) not in caplog.text


def test_a_refusal_quotes_no_more_than_the_names_of_fields(picky: ServedModel) -> None:
    long = handle({"x" * 100_000: 1}, picky, version="7")

    assert len(long["message"]) < 400


def test_warm_up_fails_with_the_models_own_words(tmp_path: Path) -> None:
    """There is no request yet, and whoever publishes must read what is wrong."""
    with pytest.raises(torch.jit.Error, match="always broken"):
        served(tmp_path, TENSOR, Broken())


class Broken(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        if rows.shape[0] > 0:
            raise RuntimeError("always broken")
        return rows


def test_every_size_beyond_what_was_proved_is_refused_with_what_is_allowed(tmp_path: Path) -> None:
    manifest: dict[str, Any] = TENSOR | {
        "inputs": [{"shape": ["batch", "time"]}],
        "axes": {"batch": {"max": 2}, "time": {"min": 3, "max": 5}},
    }
    predictor = served(tmp_path, manifest, Same())

    assert "output" in handle({"input": [[1] * 5] * 2}, predictor, version="7")
    for rows, columns in ((3, 4), (1, 2), (1, 6), (0, 3)):
        message = handle({"input": [[1] * columns] * rows}, predictor, version="7")["message"]
        assert "the model takes ['batch', 'time'], with batch from 1 to 2, time from 3 to 5" in message


class Same(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows
