"""Answers that are too large to be sent."""

import json
import re
from pathlib import Path

import pytest
import torch

from model_tools.serving.answers import MAX_ANSWER_BYTES
from model_tools.serving.results import ResultStore
from model_tools.serving.served_model import ServedModel
from model_tools.serving.service import handle
from tests.support.serving.archives import TENSOR
from tests.support.serving.kinds import CUSTOM, served
from tests.unit.serving.test_answers import recorded


class Long(torch.nn.Module):
    """[N, 4] → [N, 400]."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.repeat(1, 100)


class Kept:
    """Where results go."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.objects[bucket, key] = data


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    manifest = TENSOR | {"results": {"above_bytes": 1500, "prefix": "wide/answers/"}}
    return served(tmp_path_factory.mktemp("long"), manifest, Long())


@pytest.mark.parametrize("over_http", [False, True])
def test_an_answer_above_the_threshold_is_written_and_where_it_is_is_answered(
    long: ServedModel, *, over_http: bool
) -> None:
    kept = Kept()
    request = {"input": [[0.123456, 1, 2, 3]]}
    event = recorded("http_api") | {"body": json.dumps(request)} if over_http else request

    answer = handle(event, long, version="7", store=ResultStore("results", "long-1", kept.put))

    answer = json.loads(answer["body"]) if over_http else answer
    ((bucket, key), data) = kept.objects.popitem()
    assert answer == {
        "result": {"uri": f"s3://results/{key}", "bucket": "results", "key": key, "bytes": len(data)},
        "version": "7",
    }
    assert re.fullmatch(r"wide/answers/long-1/[0-9a-f-]{36}\.json", key)
    assert bucket == "results"
    written = json.loads(data)
    assert (len(written["output"][0]), written["version"]) == (400, "7")


def test_an_answer_below_the_threshold_is_sent(tmp_path: Path) -> None:
    predictor = served(tmp_path, TENSOR | {"results": {"above_bytes": 1_000_000}}, Long())

    answer = handle({"input": [[0, 1, 2, 3]]}, predictor, version="7", store=ResultStore("results", "x", Kept().put))

    assert len(answer["output"][0]) == 400


def test_a_batch_is_written_as_a_whole(long: ServedModel) -> None:
    kept = Kept()

    handle({"requests": [{"input": [[1] * 4]}, {}]}, long, version="7", store=ResultStore("b", "r", kept.put))

    (data,) = kept.objects.values()
    assert [set(answer) for answer in json.loads(data)["answers"]] == [
        {"output", "library", "device"}, {"error", "message"},
    ]  # fmt: skip


def test_two_results_never_have_one_name(long: ServedModel) -> None:
    kept = Kept()
    for _ in range(3):
        handle({"input": [[1] * 4]}, long, version="7", store=ResultStore("b", "r", kept.put))

    assert len(kept.objects) == 3


def test_a_result_that_cannot_be_written_is_a_function_error(long: ServedModel) -> None:
    def refuse(bucket: str, key: str, data: bytes) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        handle({"input": [[1] * 4]}, long, version="7", store=ResultStore("b", "r", refuse))


PREDICTOR = b"""
def respond(output, request):
    return {"quotes": '"' * int(output[0, 0])}
"""


def test_what_is_too_long_only_as_a_string_of_a_response_is_refused_over_http_alone(tmp_path: Path) -> None:
    """Each quote is escaped twice there."""
    predictor = served(tmp_path, CUSTOM, Doubled(), {"code/predictor.py": PREDICTOR})
    request = {"input": [[MAX_ANSWER_BYTES / 3, 0, 0, 0]]}

    direct = handle(request, predictor, version="7")
    over_http = handle(recorded("http_api") | {"body": json.dumps(request)}, predictor, version="7")

    assert len(direct["quotes"]) == MAX_ANSWER_BYTES // 3
    assert over_http["statusCode"] == 400
    assert "published with `results`" in json.loads(over_http["body"])["message"]


class Doubled(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows
