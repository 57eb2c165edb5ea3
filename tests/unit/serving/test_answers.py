"""What callers get, for every kind of event and every kind of mistake."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from model_tools.serving.archive_reader import read_archive
from model_tools.serving.failures import ModelFailed
from model_tools.serving.requests import BadRequest
from model_tools.serving.served_model import ServedModel, load_served_model
from model_tools.serving.service import handle
from model_tools.tasks.loading import load_task
from tests.support.serving.archives import IMAGE, TENSOR, Double, Stored, members, model_bytes, tar_gz

LIBRARY = f"torch {torch.__version__.partition('+')[0]}"
DOUBLED = {"output": [[2.0, 4.0, 6.0, 8.0]], "library": LIBRARY, "device": "cpu", "version": "7"}
EVENTS = Path(__file__).parents[2] / "events"


def load(
    folder: Path, manifest: dict[str, Any], fetch: Callable[[str], bytes], files: dict[str, bytes] | None = None
) -> ServedModel:
    stored = Stored(tar_gz(files or members(manifest)))
    return load_served_model(read_archive(stored.reference, stored.open, folder), fetch, load_task)


def png(level: int, size: tuple[int, int] = (4, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, level).save(buffer, "PNG")
    return buffer.getvalue()


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return load(tmp_path_factory.mktemp("tensor"), TENSOR, lambda url: b"")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    def fetch(url: str) -> bytes:
        if url != "https://example.org/bright.png":
            raise BadRequest("the URL answers 404.")
        return png(255)

    return load(tmp_path_factory.mktemp("image"), IMAGE, fetch)


def recorded(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def test_a_direct_call_is_answered_with_the_object_itself(doubler: ServedModel) -> None:
    answer = handle(recorded("direct_call"), doubler, version="7")

    assert answer == DOUBLED


@pytest.mark.parametrize("name", ["http_api", "http_api_base64", "function_url", "function_url_base64"])
def test_an_http_event_is_answered_with_a_response(doubler: ServedModel, name: str) -> None:
    answer = handle(recorded(name), doubler, version="7")

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == DOUBLED


def test_an_image_comes_as_base64_as_data_url_or_by_its_url(classifier: ServedModel) -> None:
    for request, wanted in (
        ({"image": as_text(png(0))}, "dark"),
        ({"image": f"data:image/png;base64,{as_text(png(255))}"}, "bright"),
        ({"url": "https://example.org/bright.png"}, "bright"),
    ):
        answer = handle(request, classifier, version="7")
        assert (answer["class"], answer["version"]) == (wanted, "7")
        assert answer["confidence"] == pytest.approx(0.99995, abs=1e-4)


def test_as_many_classes_as_asked_for_are_ranked(classifier: ServedModel) -> None:
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
        pytest.param({}, "give one of image", id="empty"),
        pytest.param({"image": "AAAA", "url": "https://x/"}, "give one of image", id="two images"),
        pytest.param({"image": 7}, "image must be a string", id="number"),
        pytest.param({"image": "no base64!"}, "image is not base64", id="no base64"),
        pytest.param({"image": "data:image/png,raw"}, "without base64", id="data URL without base64"),
        pytest.param({"image": as_text(b"GIF nonsense")}, "the image is none of", id="no image"),
        pytest.param({"image": as_text(png(9)[:45])}, "the image cannot be decoded", id="image cut off"),
        pytest.param(
            {"image": as_text(png(9)), "top_k": 0}, "top_k must be a whole number from 1 to 2", id="top_k of zero"
        ),
        pytest.param(
            {"image": as_text(png(9)), "top_k": True}, "top_k must be a whole number from 1 to 2", id="top_k of True"
        ),
        pytest.param(
            {"image": as_text(png(9)), "topk": 1},
            "unknown field(s) 'topk'; there is image, input_url, n_predictions",
            id="misspelt field",
        ),
        pytest.param({"url": "https://example.org/none.png"}, "the URL answers 404", id="URL of nothing"),
        pytest.param(["image"], "must be a JSON object", id="list"),
        pytest.param(None, "must be a JSON object", id="null"),
    ],
)
def test_a_bad_image_request_is_answered_400_with_what_is_wrong(
    classifier: ServedModel, request_: object, told: str
) -> None:
    answer = handle(request_, classifier, version="7")

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert told in answer["message"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        pytest.param({}, "give one of input", id="empty"),
        pytest.param({"input": [1.0, 2.0]}, "input has shape [2]; the model takes ['batch', 4]", id="too narrow a row"),
        pytest.param({"input": [[1.0, 2.0, 3.0]]}, "input has shape [1, 3]", id="too narrow"),
        pytest.param({"input": []}, "input has shape [0]", id="empty batch"),
        pytest.param({"input": [[1, 2, 3, 4], [1, 2]]}, "in lists of equal length", id="ragged"),
        pytest.param({"input": [["1", "2", "3", "4"]]}, "must hold numbers of type float32", id="text"),
        pytest.param({"input": [[1, 2, 3, None]]}, "must hold numbers of type float32", id="null"),
        pytest.param({"input": [[1, 2, 3, float("nan")]]}, "no finite float32", id="NaN"),
        pytest.param({"input": [[1, 2, 3, 1e300]]}, "no finite float32", id="beyond float32"),
        pytest.param({"inputs": [[[1, 2, 3, 4]], [1]]}, "the model takes 1 input(s)", id="two inputs"),
        pytest.param({"input": json.loads("[" * 500 + "]" * 500)}, "nested too deeply", id="deep nesting"),
    ],
)
def test_a_bad_tensor_request_is_answered_400_with_what_is_wrong(
    doubler: ServedModel, request_: Mapping[str, object], told: str
) -> None:
    answer = handle(request_, doubler, version="7")

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert told in answer["message"]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        pytest.param({"body": "{"}, 400, "the body is not JSON", id="no JSON"),
        pytest.param({"body": None}, 400, "has no body", id="no body"),
        pytest.param({"body": '{"input": [[NaN, 1, 2, 3]]}'}, 400, "NaN, which is no JSON number", id="NaN"),
        pytest.param({"body": "[1]"}, 400, "must be a JSON object", id="list"),
        pytest.param({"body": "[" * 100_000}, 400, "nested too deeply", id="deep nesting"),
        pytest.param({"body": "\u00fc", "isBase64Encoded": True}, 400, "not base64", id="no base64"),
        pytest.param({"body": '{"input": ' + "1" * 5000 + "}"}, 400, "too many digits", id="too many digits"),
        pytest.param(
            {"body": as_text(png(0)), "isBase64Encoded": True}, 415, "an image as base64 in it", id="bare image"
        ),
        pytest.param({"requestContext": {"http": {"method": "GET"}}}, 405, "POST a JSON object", id="GET"),
        pytest.param({"rawPath": "/favicon.ico"}, 404, "POST to /invocations", id="another path"),
    ],
)
def test_a_bad_http_request_is_answered_with_its_status(
    doubler: ServedModel, change: dict[str, object], status: int, told: str
) -> None:
    answer = handle(recorded("http_api") | change, doubler, version="7")

    assert answer["statusCode"] == status
    assert told in json.loads(answer["body"])["message"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="root"),
        pytest.param("", id="empty"),
        pytest.param("/invocations", id="invocations"),
        pytest.param("/invocations/", id="invocations with slash"),
        pytest.param("/stage/invocations", id="behind a stage"),
    ],
)
def test_every_path_that_leads_to_the_function_is_served(doubler: ServedModel, path: str) -> None:
    assert handle(recorded("http_api") | {"rawPath": path}, doubler, version="7")["statusCode"] == 200


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"http": 5}, id="http of a number"),
        pytest.param({"http": None}, id="http of null"),
        pytest.param({}, id="empty"),
        pytest.param(5, id="number"),
    ],
)
def test_a_direct_call_that_resembles_an_http_event_is_a_bad_request(doubler: ServedModel, context: object) -> None:
    answer = handle({"requestContext": context}, doubler, version="7")

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")


def test_an_answer_to_text_that_is_no_unicode_can_be_sent(doubler: ServedModel) -> None:
    answer = handle({"\ud800": 1}, doubler, version="7")

    assert json.dumps(answer, ensure_ascii=False).encode()


INTEGERS = TENSOR | {"inputs": [{"shape": ["batch"], "dtype": "uint8"}], "output_dtype": "uint8"}
PAIR = TENSOR | {
    "inputs": [{"shape": ["batch"]}, {"shape": ["batch", "time"]}],
    "axes": {"batch": {"max": 8}, "time": {"min": 5, "max": 64}},
}


class Kernel(torch.nn.Module):
    """[N] and [N, T] → [N]; it takes no T below 5."""

    def forward(self, factors: torch.Tensor, series: torch.Tensor) -> torch.Tensor:
        return factors * series.unfold(1, 5, 1).sum((1, 2))


@pytest.mark.parametrize(
    "values", [[1.5], [2.0], [256], [-1], pytest.param([2**70], id="beyond 64 bits"), [float("nan")]]
)
def test_numbers_that_are_not_of_the_inputs_integer_type_are_refused_and_not_wrapped(
    values: list[object], tmp_path: Path
) -> None:
    files = members(INTEGERS) | {"model.pt": model_bytes(Double(), torch.zeros(1, dtype=torch.uint8))}
    predictor = load(tmp_path, INTEGERS, lambda url: b"", files)

    assert handle({"input": [100]}, predictor, version="7")["output"] == [200]
    answer = handle({"input": values}, predictor, version="7")
    assert (answer["statusCode"], "uint8" in answer["message"]) == (400, True)


class Table(torch.nn.Module):
    """[N] indices from -2 to -1 → [N] numbers; any other index fails."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("numbers", torch.tensor([10.0, 20.0]))

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        return self.numbers.index_select(0, -indices - 1)


def test_integers_outside_the_declared_range_are_a_bad_request_and_not_the_models_failure(tmp_path: Path) -> None:
    manifest = TENSOR | {"inputs": [{"shape": ["batch"], "dtype": "int64", "range": [-2.5, -0.5]}]}
    files = members(manifest) | {"model.pt": model_bytes(Table(), torch.tensor([-1, -2]))}
    predictor = load(tmp_path, manifest, lambda url: b"", files)

    assert handle({"input": [-1, -2]}, predictor, version="7")["output"] == [10.0, 20.0]
    for beyond in (-3, 0):
        answer = handle({"input": [-1, beyond]}, predictor, version="7")
        assert (answer["statusCode"], answer["message"]) == (400, "input holds a number that is not from -2 to -1.")


class Repeat(torch.nn.Module):
    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers.repeat(1, 80_000)


def test_an_answer_that_is_too_long_for_lambda_is_a_bad_request(tmp_path: Path) -> None:
    files = members(TENSOR) | {"model.pt": model_bytes(Repeat(), torch.zeros(1, 4))}
    predictor = load(tmp_path, TENSOR, lambda url: b"", files)

    assert "output" in handle({"input": [[1, 2, 3, 4]]}, predictor, version="7")
    answer = handle({"input": [[0.1, 0.2, 0.3, 0.4]]}, predictor, version="7")
    assert (answer["statusCode"], "ask for less at a time" in answer["message"]) == (400, True)


class Total(torch.nn.Module):
    def forward(self, video: torch.Tensor) -> torch.Tensor:
        return video.unfold(4, 3, 1).sum((1, 2, 3, 4, 5))


def test_a_warm_up_stays_small_however_large_the_axes_may_be(tmp_path: Path) -> None:
    axes = {name: {"max": 1_000_000} for name in ("batch", "colour", "time", "height")}
    manifest = TENSOR | {
        "inputs": [{"shape": [*axes, "width"]}],
        "axes": axes | {"width": {"min": 3, "max": 1_000_000}},
    }
    files = members(manifest) | {"model.pt": model_bytes(Total(), torch.zeros(1, 1, 1, 1, 3))}

    predictor = load(tmp_path, manifest, lambda url: b"", files)

    assert handle({"input": [[[[[1, 2, 3]]]]]}, predictor, version="7")["output"] == [6.0]


def test_a_model_of_several_inputs_and_free_sizes_is_warmed_up_and_answers(tmp_path: Path) -> None:
    files = members(PAIR) | {"model.pt": model_bytes(Kernel(), torch.ones(1), torch.ones(1, 9))}

    predictor = load(tmp_path, PAIR, lambda url: b"", files)

    request = {"inputs": [[1.0, 2.0], [[1.0] * 5, [1.0] * 5]]}
    assert handle(request, predictor, version="7")["output"] == [5.0, 10.0]


def test_an_axis_that_two_inputs_share_must_have_one_size(tmp_path: Path) -> None:
    files = members(PAIR) | {"model.pt": model_bytes(Kernel(), torch.ones(1), torch.ones(1, 9))}
    predictor = load(tmp_path, PAIR, lambda url: b"", files)

    answer = handle({"inputs": [[1.0, 2.0, 3.0], [[1.0] * 5, [1.0] * 5]]}, predictor, version="7")

    assert answer["message"] == "the axis batch has size 3 in one place and 2 in another."


def test_a_model_that_does_not_take_its_declared_inputs_fails_at_init(tmp_path: Path) -> None:
    manifest = TENSOR | {"inputs": [{"shape": [1, 3]}]}
    files = members(manifest) | {"model.pt": model_bytes(torch.nn.Linear(4, 2), torch.zeros(1, 4))}

    with pytest.raises(RuntimeError):
        load(tmp_path, manifest, lambda url: b"", files)


def test_an_image_model_of_another_number_type_gets_its_type(tmp_path: Path) -> None:
    manifest = IMAGE | {"inputs": [{"shape": ["batch", 1, 4, 4], "dtype": "float64"}]}
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2).double())
    files = members(IMAGE) | {
        "manifest.json": json.dumps(manifest).encode(),
        "model.pt": model_bytes(model, torch.zeros(1, 1, 4, 4, dtype=torch.float64)),
    }

    assert "class" in handle({"image": as_text(png(0))}, load(tmp_path, manifest, lambda url: b"", files), version="7")


def test_a_classifier_that_does_not_answer_a_value_for_each_class_is_a_function_error(tmp_path: Path) -> None:
    files = members(IMAGE) | {"classes.txt": b"dark\nbright\nneither\n"}

    with pytest.raises(ModelFailed, match="each of its 3 classes"):
        handle({"image": as_text(png(0))}, load(tmp_path, IMAGE, lambda url: b"", files), version="7")


def test_a_model_that_answers_infinity_is_a_function_error_not_an_answer(doubler: ServedModel) -> None:
    with pytest.raises(ModelFailed, match="NaN or infinity"):
        handle({"input": [[3e38, 0, 0, 0]]}, doubler, version="7")
