"""What a detector answers: boxes in the pixels of the image that was sent, their classes and scores, best first."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from model_tools.serving.failures import ModelFailed
from model_tools.serving.served_model import ServedModel
from model_tools.serving.service import handle
from tests.support.serving.archives import IMAGE
from tests.support.serving.kinds import served

MANIFEST = IMAGE | {
    "task": "object-detection",
    "inputs": [{"shape": ["batch", 1, 10, 10]}],
    "preprocess": {"size": [10, 10], "mode": "L"},
}
CLASSES = {"classes.txt": b"cat\ndog\n"}


class Fixed(torch.nn.Module):
    """Answers the same objects to every image: [N, 1, 10, 10] → boxes [N, C, 4], labels [N, C], scores [N, C]."""

    def __init__(self, boxes: list[list[float]], labels: list[int], scores: list[float]) -> None:
        super().__init__()
        self.boxes = torch.nn.Buffer(torch.tensor(boxes).view(-1, 4))
        self.labels = torch.nn.Buffer(torch.tensor(labels, dtype=torch.int64))
        self.scores = torch.nn.Buffer(torch.tensor(scores))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        rows = images.shape[0]
        return {
            "scores": self.scores.repeat(rows, 1),
            "boxes": self.boxes.repeat(rows, 1, 1),
            "labels": self.labels.repeat(rows, 1),
        }


class Plain(Fixed):
    """The same without a batch axis, as a tuple."""

    def forward(self, _images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.boxes, self.labels, self.scores


TWO = Fixed([[1, 2, 3, 4], [0, 0, 10, 10]], [1, 0], [0.6, 0.9])


def detector(folder: Path, model: torch.nn.Module, **settings: Any) -> ServedModel:
    return served(folder, MANIFEST | {"settings": settings}, model, CLASSES)


def image(width: int = 10, height: int = 10) -> str:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def ask(predictor: ServedModel, **request: Any) -> dict[str, Any]:
    return handle({"image": image(), **request}, predictor, version="7")


def test_objects_are_answered_best_first(tmp_path: Path) -> None:
    answer = ask(detector(tmp_path, TWO))

    assert answer == {
        "boxes": [[0, 0, 10, 10], [1, 2, 3, 4]],
        "classes": ["cat", "dog"],
        "scores": pytest.approx([0.9, 0.6]),
        "version": "7",
    }


def test_boxes_are_in_the_pixels_of_the_image_that_was_sent(tmp_path: Path) -> None:
    answer = ask(detector(tmp_path, TWO), image=image(100, 50))

    assert answer["boxes"] == [[0, 0, 100, 50], [10, 10, 30, 20]]


def test_a_request_may_ask_for_other_scores_and_fewer_boxes(tmp_path: Path) -> None:
    predictor = detector(tmp_path, TWO, threshold=0.7)

    assert ask(predictor)["classes"] == ["cat"]
    assert ask(predictor, threshold=0.5)["classes"] == ["cat", "dog"]
    assert ask(predictor, threshold=0.5, max_boxes=1)["classes"] == ["cat"]
    assert ask(predictor, threshold=1)["classes"] == []


def test_where_nothing_is_found_the_lists_are_empty(tmp_path: Path) -> None:
    answer = ask(detector(tmp_path, Plain([], [], [])))

    assert (answer["boxes"], answer["classes"], answer["scores"]) == ([], [], [])


def test_duplicates_of_one_class_go_and_the_best_stays(tmp_path: Path) -> None:
    boxes = [[0, 0, 4, 4], [0, 0, 4, 4.2], [0, 0, 4, 4], [5, 5, 9, 9]]
    model = Fixed(boxes, [0, 0, 1, 0], [0.7, 0.9, 0.8, 0.6])
    (tmp_path / "all").mkdir()

    answer = ask(detector(tmp_path, model))
    untouched = ask(detector(tmp_path / "all", model, overlap=None))

    assert answer["scores"] == pytest.approx([0.9, 0.8, 0.6])
    assert answer["classes"] == ["cat", "dog", "cat"]
    assert len(untouched["scores"]) == 4


def test_other_layouts_and_units_are_read_as_the_manifest_says(tmp_path: Path) -> None:
    model = Fixed([[0.5, 0.5, 0.2, 0.4]], [0], [0.9])

    answer = ask(detector(tmp_path, model, layout="centre", units="fractions"), image=image(100, 50))

    assert answer["boxes"] == [pytest.approx([40, 15, 60, 35], rel=1e-5)]


def test_a_batch_is_one_call_and_each_image_has_its_own_pixels(tmp_path: Path) -> None:
    requests = [{"image": image(20, 20)}, {"image": image(100, 10), "threshold": 0.7}, {"url": 5}]

    answers = handle({"requests": requests}, detector(tmp_path, TWO), version="7")["answers"]

    assert [answer.get("boxes") for answer in answers] == [[[0, 0, 20, 20], [2, 4, 6, 8]], [[0, 0, 100, 10]], None]


@pytest.mark.parametrize(
    ("request_fields", "told"),
    [
        ({"threshold": 1.5}, "threshold must be a number from 0 to 1"),
        ({"threshold": True}, "threshold must be a number"),
        ({"threshold": "high"}, "threshold must be a number"),
        ({"max_boxes": 0}, "max_boxes must be a whole number from 1 to 100"),
        ({"top_k": 3}, "unknown field(s) 'top_k'; there is image, input_url, max_boxes, threshold, url"),
    ],
    ids=["beyond one", "a truth value", "a word", "none", "a field of another task"],
)
def test_a_bad_request_is_answered_400_with_what_is_wrong(tmp_path: Path, request_fields, told: str) -> None:
    answer = ask(detector(tmp_path, TWO), **request_fields)

    assert answer["statusCode"] == 400
    assert told in answer["message"]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Fixed([[0, 0, 1, 1]], [2], [0.9]), "a label beyond its 2 classes"),
        (Fixed([[0, 0, 1, 1]], [-1], [0.9]), "a label beyond its 2 classes"),
        (Fixed([[0, 0, 1, 1]], [0], [3.0]), "no probabilities"),
        (Fixed([[0, 0, 1, float("nan")]], [0], [0.9]), "NaN or infinity"),
        (Plain([[0, 0, 1, 1]], [0], [0.9, 0.8]), "four numbers for each box"),
    ],
    ids=["label too high", "label too low", "scores that are logits", "NaN", "fewer boxes than scores"],
)
def test_an_answer_that_names_no_objects_fails_before_anybody_asks(tmp_path: Path, model, told: str) -> None:
    with pytest.raises(ModelFailed, match=told):
        detector(tmp_path, model)
