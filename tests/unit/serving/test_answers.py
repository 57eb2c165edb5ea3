"""What callers get, for every kind of event and every kind of mistake."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model_tools.serving.archive import read_archive
from model_tools.serving.predictor import Predictor, load_predictor
from model_tools.serving.requests import BadRequest
from model_tools.serving.service import handle
from model_tools.serving.tensors import ModelFailed
from tests.unit.serving.archives import IMAGE, TENSOR, Stored, members, tar_gz

EVENTS = Path(__file__).parents[2] / "events"


def load(folder: Path, manifest: dict[str, Any], fetch: Callable[[str], bytes]) -> Predictor:
    stored = Stored(tar_gz(members(manifest)))
    return load_predictor(read_archive(stored.reference, stored.open, folder), fetch)


def png(level: int, size: tuple[int, int] = (4, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, level).save(buffer, "PNG")
    return buffer.getvalue()


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return load(tmp_path_factory.mktemp("tensor"), TENSOR, lambda url: b"")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    def fetch(url: str) -> bytes:
        if url != "https://example.org/bright.png":
            raise BadRequest("the URL answers 404.")
        return png(255)

    return load(tmp_path_factory.mktemp("image"), IMAGE, fetch)


def recorded(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def test_a_direct_call_is_answered_with_the_object_itself(doubler: Predictor) -> None:
    answer = handle(recorded("direct_call"), doubler, version="7")

    assert answer == {"output": [[2.0, 4.0, 6.0, 8.0]], "version": "7"}


@pytest.mark.parametrize("name", ["http_api", "function_url", "function_url_base64"])
def test_an_http_event_is_answered_with_a_response(doubler: Predictor, name: str) -> None:
    answer = handle(recorded(name), doubler, version="7")

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == {"output": [[2.0, 4.0, 6.0, 8.0]], "version": "7"}


def test_an_image_comes_as_base64_as_data_url_or_by_its_url(classifier: Predictor) -> None:
    for request, wanted in (
        ({"image": as_text(png(0))}, "dark"),
        ({"image": f"data:image/png;base64,{as_text(png(255))}"}, "bright"),
        ({"url": "https://example.org/bright.png"}, "bright"),
    ):
        answer = handle(request, classifier, version="7")
        assert (answer["class"], answer["version"]) == (wanted, "7")
        assert answer["confidence"] == pytest.approx(0.99995, abs=1e-4)


def test_as_many_classes_as_asked_for_are_ranked(classifier: Predictor) -> None:
    answer = handle({"image": as_text(png(140)), "top_k": 2}, classifier, version="7")

    assert [item["class"] for item in answer["top_k"]] == ["bright", "dark"]
    assert sum(item["confidence"] for item in answer["top_k"]) == pytest.approx(1)


def test_before_anything_is_published_everybody_is_told_so() -> None:
    direct = handle({"image": "…"}, None, version="1")
    over_http = handle(recorded("http_api"), None, version="1")

    assert (direct["statusCode"], direct["error"]) == (503, "NothingPublished")
    assert (over_http["statusCode"], json.loads(over_http["body"])["error"]) == (503, "NothingPublished")


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({}, "give one of image"),
        ({"image": "AAAA", "url": "https://x/"}, "give one of image"),
        ({"image": 7}, "image must be a string"),
        ({"image": "no base64!"}, "image is not base64"),
        ({"image": "data:image/png,raw"}, "without base64"),
        ({"image": as_text(b"GIF nonsense")}, "the image is none of"),
        ({"image": as_text(png(9)[:45])}, "the image cannot be decoded"),
        ({"image": as_text(png(9)), "top_k": 0}, "top_k must be a whole number from 1 to 2"),
        ({"image": as_text(png(9)), "top_k": True}, "top_k must be a whole number from 1 to 2"),
        ({"image": as_text(png(9)), "topk": 1}, "unknown field(s) topk"),
        ({"url": "https://example.org/none.png"}, "the URL answers 404"),
        (["image"], "must be a JSON object"),
        (None, "must be a JSON object"),
    ],
)
def test_a_bad_image_request_is_answered_400_with_what_is_wrong(
    classifier: Predictor, request_: object, told: str
) -> None:
    answer = handle(request_, classifier, version="7")

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert told in answer["message"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({}, "give one of input"),
        ({"input": [1.0, 2.0, 3.0, 4.0]}, "input has shape [4]; the model takes ['batch', 4]"),
        ({"input": [[1.0, 2.0, 3.0]]}, "input has shape [1, 3]"),
        ({"input": []}, "input has shape [0]"),
        ({"input": [[1, 2, 3, 4], [1, 2]]}, "in lists of equal length"),
        ({"input": [["1", "2", "3", "4"]]}, "must hold numbers of type float32"),
        ({"input": [[1, 2, 3, None]]}, "must hold numbers of type float32"),
        ({"input": [[1, 2, 3, float("nan")]]}, "no finite float32"),
        ({"input": [[1, 2, 3, 1e300]]}, "no finite float32"),
        ({"inputs": [[[1, 2, 3, 4]], [1]]}, "the model takes 1 input(s)"),
        ({"input": json.loads("[" * 500 + "]" * 500)}, "nested too deeply"),
    ],
)
def test_a_bad_tensor_request_is_answered_400_with_what_is_wrong(
    doubler: Predictor, request_: Mapping[str, object], told: str
) -> None:
    answer = handle(request_, doubler, version="7")

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert told in answer["message"]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"body": "{"}, 400, "the body is not JSON"),
        ({"body": None}, 400, "has no body"),
        ({"body": '{"input": [[NaN, 1, 2, 3]]}'}, 400, "NaN, which is no JSON number"),
        ({"body": "[1]"}, 400, "must be a JSON object"),
        ({"body": "[" * 100_000}, 400, "nested too deeply"),
        ({"body": "\u00fc", "isBase64Encoded": True}, 400, "not base64"),
        ({"requestContext": {"http": {"method": "GET"}}}, 405, "POST a JSON object"),
    ],
)
def test_a_bad_http_request_is_answered_with_its_status(
    doubler: Predictor, change: dict[str, object], status: int, told: str
) -> None:
    answer = handle(recorded("http_api") | change, doubler, version="7")

    assert answer["statusCode"] == status
    assert told in json.loads(answer["body"])["message"]


def test_a_model_that_answers_infinity_is_a_function_error_not_an_answer(doubler: Predictor) -> None:
    with pytest.raises(ModelFailed, match="NaN or infinity"):
        handle({"input": [[3e38, 0, 0, 0]]}, doubler, version="7")
