import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from model_tools.serving.failures import ModelFailed
from model_tools.serving.service import handle
from tests.support.serving.archives import Double
from tests.support.serving.kinds import EMBEDDING, Sum, served, vocabularies

TEXT = {"source_vocabulary": "s.txt", "max_source_tokens": 6}
TEXTS = EMBEDDING | {
    "inputs": [{"shape": ["batch", "tokens"], "dtype": "int64", "range": [0, 6]}],
    "axes": {"batch": {"max": 2}, "tokens": {"max": 6}},
    "text": TEXT,
}


def as_they_are(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest | {"settings": {"normalize": False}}


def test_an_embedding_has_length_one_unless_the_manifest_says_otherwise(tmp_path: Path) -> None:
    for name, manifest, wanted in (
        ("one", EMBEDDING, [0.6, 0, 0.8, 0]),
        ("other", as_they_are(EMBEDDING), [6, 0, 8, 0]),
    ):
        (tmp_path / name).mkdir()
        answer = handle({"input": [[3, 0, 4, 0]]}, served(tmp_path / name, manifest, Double()), version="7")
        assert answer == {"embedding": pytest.approx(wanted), "version": "7"}


def test_rows_are_answered_with_an_embedding_each_and_zero_stays_zero(tmp_path: Path) -> None:
    answer = handle({"input": [[3, 0, 4, 0], [0, 0, 0, 0]]}, served(tmp_path, EMBEDDING, Double()), version="7")

    assert answer["embeddings"] == [pytest.approx([0.6, 0, 0.8, 0]), [0, 0, 0, 0]]


def test_texts_are_embedded_in_order_as_many_together_as_the_model_takes(tmp_path: Path) -> None:
    predictor = served(tmp_path, as_they_are(TEXTS), Sum(), vocabularies())

    texts = ["one two three", "one", "nowhere", "two two", "three"]
    answer = handle({"texts": texts}, predictor, version="7")

    assert answer["embeddings"] == [[3, 15], [1, 4], [1, 3], [2, 10], [1, 6]]
    assert handle({"text": "one"}, predictor, version="7")["embedding"] == [1, 4]
    assert handle({"texts": ["one"]}, predictor, version="7")["embeddings"] == [[1, 4]]


class Length(torch.nn.Module):
    """[N, T] ids → [N, 2]: the number of rows and of tokens, with padding."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.full((ids.shape[0], 2), float(ids.shape[1])) - torch.tensor([ids.shape[1] - ids.shape[0], 0])


@pytest.mark.parametrize(
    ("proved", "wanted"),
    [
        pytest.param({}, [[2, 1], [2, 3], [2, 1], [2, 3]], id="padded"),
        pytest.param({"padding_counts": True}, [[2, 1], [1, 2], [2, 1], [1, 3]], id="equal lengths"),
        pytest.param({"rows_apart": True}, [[1, 1], [1, 2], [1, 1], [1, 3]], id="one by one"),
    ],
)
def test_texts_share_a_batch_as_far_as_it_was_proved_that_they_may(tmp_path, proved, wanted) -> None:
    predictor = served(tmp_path, as_they_are(TEXTS) | proved, Length(), vocabularies())

    answer = handle({"texts": ["one", "one two", "two", "one two three"]}, predictor, version="7")

    assert answer["embeddings"] == wanted


def test_a_text_that_would_have_to_be_padded_is_refused_where_padding_counts(tmp_path: Path) -> None:
    manifest = as_they_are(TEXTS) | {"axes": {"tokens": {"min": 2, "max": 6}}}
    for name, counts in (("counts", True), ("ignored", False)):
        (tmp_path / name).mkdir()
        predictor = served(tmp_path / name, manifest | {"padding_counts": counts}, Sum(), vocabularies())
        answer = handle({"text": "one"}, predictor, version="7")
        assert ("1 tokens; the model takes 2 at least" in answer.get("message", "")) is counts


def test_a_batch_of_texts_is_embedded_together(tmp_path: Path) -> None:
    predictor = served(tmp_path, as_they_are(TEXTS), Sum(), vocabularies())

    answers = handle(
        {"requests": [{"text": "one"}, {"texts": ["two", "one two"]}, {"text": ""}]}, predictor, version="7"
    )

    assert answers["answers"][:2] == [{"embedding": [1, 4]}, {"embeddings": [[1, 5], [2, 9]]}]
    assert answers["answers"][2]["message"] == "text is empty."


class Corner(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :, 0, 0]


def test_an_image_is_embedded_as_it_is_preprocessed(tmp_path: Path) -> None:
    manifest = EMBEDDING | {"inputs": [{"shape": ["batch", 3, 4, 4]}], "preprocess": {"size": [4, 4]}}
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9), (255, 0, 0)).save(buffer, "PNG")
    predictor = served(tmp_path, manifest, Corner(), fetch=lambda _url: buffer.getvalue())

    assert handle({"url": "https://example.org/red.png"}, predictor, version="7")["embedding"] == [1, 0, 0]
    assert "unknown field(s) 'text'" in handle({"text": "red"}, predictor, version="7")["message"]


class Cube(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows[:, :, None, None]


def test_what_is_no_vector_for_each_row_is_the_models_failure(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="one vector for each row"):
        handle({"input": [[1, 2, 3, 4]]}, served(tmp_path, EMBEDDING, Cube()), version="7")


def test_embeddings_can_be_sent(tmp_path: Path) -> None:
    manifest = EMBEDDING | {"output_dtype": "bfloat16"}

    answer = handle({"input": [[1, 2, 3, 4]]}, served(tmp_path, manifest, Brief()), version="7")

    assert json.loads(json.dumps(answer)) == answer


class Brief(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.to(torch.bfloat16)
