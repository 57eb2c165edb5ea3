import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from model_tools.serving.served_model import ServedModel
from model_tools.serving.service import handle
from tests.support.serving.archives import IMAGE, TENSOR, Brightness
from tests.support.serving.kinds import TEXT_TO_TEXT, Counted, Repeat, served, vocabularies


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    """Return a model that tells how many rows were asked together; it takes 8."""
    return served(tmp_path_factory.mktemp("counter"), TENSOR, Counted())


def ask(predictor: ServedModel, requests: object) -> list[dict[str, Any]]:
    return handle({"requests": requests}, predictor, version="7")["answers"]


def png(level: int) -> str:
    buffer = io.BytesIO()
    Image.new("L", (4, 4), level).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_batch_is_one_call_of_the_model_and_answered_in_order(counter: ServedModel) -> None:
    answers = ask(counter, [{"input": [[number] * 4]} for number in range(5)])

    assert [answer["output"] for answer in answers] == [[[number] * 4 + [5]] for number in range(5)]


def test_each_item_has_its_own_error_and_the_others_their_answers(counter: ServedModel) -> None:
    answers = ask(counter, [{"input": [[1, 2, 3, 4]]}, {"input": [[1]]}, 7, {"requests": []}, {"input": [[5] * 4]}])

    assert [answer.get("error") for answer in answers] == [None, "BadRequest", "BadRequest", "BadRequest", None]
    assert [answers[0]["output"], answers[4]["output"]] == [[[1, 2, 3, 4, 2]], [[5, 5, 5, 5, 2]]]
    assert "shape [1, 1]" in answers[1]["message"]
    assert "a JSON object" in answers[2]["message"]
    assert "cannot hold another" in answers[3]["message"]


def test_no_more_rows_are_asked_together_than_the_model_was_proved_with(counter: ServedModel) -> None:
    rows = [3, 3, 3, 8, 1]  # 3 + 3, then 3, then 8, then 1

    answers = ask(counter, [{"input": [[index] * 4] * count} for index, count in enumerate(rows)])

    assert [answer["output"][0][4] for answer in answers] == [6, 6, 3, 8, 1]
    assert [len(answer["output"]) for answer in answers] == rows


def test_items_of_different_shapes_are_asked_apart(tmp_path: Path) -> None:
    manifest = TENSOR | {"inputs": [{"shape": ["batch", "width"]}], "axes": {"batch": {"max": 8}, "width": {"max": 8}}}
    predictor = served(tmp_path, manifest, Counted())

    answers = ask(predictor, [{"input": [[1, 2]]}, {"input": [[3]]}, {"input": [[4, 5]]}])

    assert [answer["output"] for answer in answers] == [[[1, 2, 2]], [[3, 1]], [[4, 5, 2]]]


@pytest.mark.parametrize("shape", [["time", 4], [1, 4]])
def test_an_axis_that_is_no_batch_is_never_stacked_along(tmp_path: Path, shape: list[object]) -> None:
    """Two recordings, one after the other, would be a third one."""
    manifest = TENSOR | {"inputs": [{"shape": shape}], "axes": {"time": {"max": 8}}}
    predictor = served(tmp_path, manifest, Counted())

    assert [answer["output"][0][4] for answer in ask(predictor, [{"input": [[0] * 4]}] * 3)] == [1, 1, 1]


def test_rows_that_change_one_another_are_asked_apart(tmp_path: Path) -> None:
    predictor = served(tmp_path, TENSOR | {"rows_apart": True}, Counted())

    assert [answer["output"][0][4] for answer in ask(predictor, [{"input": [[0] * 4]}] * 3)] == [1, 1, 1]


class Mean(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.mean()


def test_a_model_whose_answer_is_about_all_rows_together_is_asked_one_by_one(tmp_path: Path) -> None:
    answers = ask(served(tmp_path, TENSOR, Mean()), [{"input": [[1] * 4]}, {"input": [[5] * 4]}])

    assert [answer["output"] for answer in answers] == [1, 5]


class Named(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"double": rows * 2, "sum": rows.sum(1)}


def test_several_outputs_are_told_apart_again(tmp_path: Path) -> None:
    answers = ask(served(tmp_path, TENSOR, Named()), [{"input": [[1] * 4]}, {"input": [[2] * 4]}])

    assert [answer["outputs"] for answer in answers] == [[[[2] * 4], [4]], [[[4] * 4], [8]]]


def test_images_and_texts_come_in_batches_too(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    classifier = served(tmp_path / "a", IMAGE, Brightness(), {"classes.txt": b"dark\nbright\n"})
    repeater = served(tmp_path / "b", TEXT_TO_TEXT, Repeat(), vocabularies())

    images = ask(classifier, [{"image": png(0)}, {"image": "?"}, {"image": png(255), "n_predictions": 1}])
    texts = ask(repeater, [{"text": "one"}, {"texts": ["two", "three one"], "beams": 2}, {"text": "two"}])

    assert images[0]["class"] == "dark"
    assert images[1]["error"] == "BadRequest"
    assert images[2]["predictions"] == [["bright", pytest.approx(100, abs=0.01)]]
    assert [texts[0]["text"], texts[1]["texts"], texts[2]["text"]] == ["one", ["two", "three one"], "two"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        pytest.param({"requests": []}, "a list of 1 to 256", id="empty"),
        pytest.param({"requests": [{}] * 257}, "a list of 1 to 256", id="too long"),
        pytest.param({"requests": {"input": 1}}, "a list of 1 to 256", id="no list"),
        pytest.param({"requests": [{}], "top_k": 1}, "no other fields", id="another field"),
    ],
)
def test_what_is_no_batch_is_a_bad_request(counter: ServedModel, request_: object, told: str) -> None:
    answer = handle(request_, counter, version="7")

    assert (answer["statusCode"], told in answer["message"]) == (400, True)


def test_a_batch_that_takes_too_long_is_answered_as_far_as_it_came(
    counter: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of slow URLs must not outlast the function, which would count against the model."""
    monkeypatch.setattr("model_tools.serving.batches.SECONDS", -1.0)

    assert "ask for less at a time" in ask(counter, [{"input": [[1] * 4]}])[0]["message"]


def test_a_long_batch_keeps_its_order(counter: ServedModel) -> None:
    answers = ask(counter, [{"input": [[number] * 4]} for number in range(100)])

    assert [answer["output"][0][0] for answer in answers] == list(range(100))
    assert json.dumps(answers)
