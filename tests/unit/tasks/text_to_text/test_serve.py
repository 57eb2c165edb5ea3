from pathlib import Path
from typing import Any

import pytest
import torch

from model_tools.formats.sections import Text
from model_tools.serving.failures import ModelFailed
from model_tools.serving.served_model import ServedModel
from model_tools.serving.service import handle
from model_tools.serving.text.vocabulary import Vocabulary
from tests.support.serving.kinds import TEXT, TEXT_TO_TEXT, VOCABULARY, Repeat, served, vocabularies


@pytest.fixture(scope="module")
def repeater(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return served(tmp_path_factory.mktemp("repeater"), TEXT_TO_TEXT, Repeat(), vocabularies())


def ask(predictor: ServedModel, request: object) -> dict[str, Any]:
    return handle(request, predictor, version="7")


def test_a_text_is_answered_with_a_text_and_its_score(repeater: ServedModel) -> None:
    answer = ask(repeater, {"text": "two one nowhere"})

    assert answer == {"text": "two one <unk>", "score": pytest.approx(1), "version": "7"}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="greedy"),
        pytest.param({"beams": 1}, id="one beam"),
        pytest.param({"beams": 3}, id="three beams"),
        pytest.param({"beams": 16}, id="sixteen beams"),
    ],
)
def test_texts_of_different_lengths_are_answered_together_in_order(
    repeater: ServedModel, options: dict[str, int]
) -> None:
    """More than the batch axis takes, beams and all: they are asked for in pieces."""
    texts = ["three", "one two three one", "two two", "one", "one two three one two", "three three"]

    answer = ask(repeater, {"texts": texts, **options})

    assert answer["texts"] == texts
    assert answer["scores"] == pytest.approx([1] * 6)


def test_what_is_written_ends_where_the_request_wants(repeater: ServedModel) -> None:
    assert ask(repeater, {"text": "one two three", "max_tokens": 2})["text"] == "one two"


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        pytest.param({}, "give one of text", id="empty"),
        pytest.param({"text": "one", "texts": ["two"]}, "give one of text", id="text and texts"),
        pytest.param({"text": 7}, "text must be a string", id="number"),
        pytest.param({"text": "  "}, "text is empty", id="blank"),
        pytest.param({"texts": []}, "a list of 1 to 256", id="no texts"),
        pytest.param({"texts": "one"}, "a list of 1 to 256", id="texts of text"),
        pytest.param({"texts": ["one"] * 257}, "a list of 1 to 256", id="too many texts"),
        pytest.param({"texts": ["one", None]}, r"texts[1] must be a string", id="null among texts"),
        pytest.param({"text": "one " * 7}, "has 7 tokens; the model takes 6", id="too many tokens"),
        pytest.param({"text": "one", "beams": 17}, "beams must be a whole number from 1 to 16", id="too many beams"),
        pytest.param({"text": "one", "beams": 0}, "beams must be a whole number", id="no beams"),
        pytest.param(
            {"text": "one", "max_tokens": 9},
            "max_tokens must be a whole number from 1 to 8",
            id="too many output tokens",
        ),
        pytest.param({"text": "one", "temperature": 2}, "unknown field(s) 'temperature'", id="unknown field"),
    ],
)
def test_a_bad_text_request_is_answered_400_with_what_is_wrong(
    repeater: ServedModel, request_: object, told: str
) -> None:
    answer = ask(repeater, request_)

    assert (answer["statusCode"], answer["error"]) == (400, "BadRequest")
    assert told in answer["message"]


def test_a_text_that_is_no_unicode_is_unknown_and_its_answer_can_be_sent(repeater: ServedModel) -> None:
    assert ask(repeater, {"text": "one \ud800"})["text"] == "one <unk>"


def test_a_callers_own_special_tokens_are_words_like_any_other(repeater: ServedModel) -> None:
    assert ask(repeater, {"text": "one <eos> <pad> <bos>"})["text"] == "one <unk> <unk> <unk>"


def test_texts_that_take_too_long_are_refused_before_lambda_ends_the_function(
    repeater: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_tools.tasks.text_to_text.serve.SECONDS", -1.0)

    assert "ask for fewer" in ask(repeater, {"text": "one"})["message"]


def test_a_model_that_takes_several_texts_at_least_is_given_as_many(tmp_path: Path) -> None:
    axes = {"batch": {"min": 3, "max": 4}, "source": {"min": 5, "max": 16}, "target": {"min": 4, "max": 16}}
    strict = served(tmp_path, TEXT_TO_TEXT | {"axes": axes}, Strict(), vocabularies())

    assert ask(strict, {"text": "one two"})["text"] == "one two"


class Strict(torch.nn.Module):
    """Repeats, and fails for fewer than three rows, five source tokens or four target tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.repeat = Repeat()

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        assert source.shape[0] >= 3
        assert source.shape[1] >= 5
        assert target.shape[1] >= 4
        return self.repeat(source, target)


def test_a_model_without_padding_is_asked_for_texts_of_one_length_at_a_time(tmp_path: Path) -> None:
    tokens = "".join(f"{token}\n" for token in ("<none>", *VOCABULARY[1:])).encode()
    files = {"source_vocabulary.txt": tokens, "target_vocabulary.txt": tokens}
    unpadded = served(tmp_path, TEXT_TO_TEXT, Unpadded(), files)

    assert ask(unpadded, {"texts": ["one", "two three", "two"]})["texts"] == ["one", "two three", "two"]


class Unpadded(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.repeat = Repeat()

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        assert bool((source != 0).all()) or bool((source == 0).all())  # all is the warm-up
        return self.repeat(source, target)


class Wrong(torch.nn.Module):
    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.zeros([target.shape[0], target.shape[1], 6]) + source.sum() * 0


def test_logits_that_are_not_of_the_vocabulary_are_the_models_failure(tmp_path: Path) -> None:
    wrong = served(tmp_path, TEXT_TO_TEXT, Wrong(), vocabularies())

    with pytest.raises(ModelFailed, match="logits"):
        ask(wrong, {"text": "one"})


def test_characters_are_tokens_with_their_blanks() -> None:
    text = Text.model_validate(TEXT | {"tokens": "characters", "lowercase": True})
    vocabulary = Vocabulary(["<unk>", "a", " ", "\u2028"], text)

    ids = vocabulary.encode("A \u2028x")

    assert ids == [1, 2, 3, 0]
    assert vocabulary.decode(ids[:3]) == "a \u2028"


class Likely(Repeat):
    """As Repeat, with probabilities instead of logits, none of them certain."""

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        room = torch.zeros_like(target)
        following = torch.cat([source, room], 1)[:, : target.shape[1]]
        following = torch.where(following == 0, torch.full_like(following, 2), following)
        return torch.nn.functional.one_hot(following, 7).float() * 0.3 + 0.1


@pytest.mark.parametrize("beams", [1, 3])
def test_the_score_of_a_model_of_probabilities_is_made_of_them(tmp_path: Path, beams: int) -> None:
    predictor = served(tmp_path, TEXT_TO_TEXT | {"scores": "probabilities"}, Likely(), vocabularies())

    assert ask(predictor, {"text": "two one", "beams": beams})["score"] == pytest.approx(0.4, abs=1e-4)
