"""Vocabularies, and what they say of a model's inputs."""

import pytest

from model_tools.errors import ManifestInvalid
from model_tools.formats.sections import Text
from model_tools.packaging.checkpoint.vocabularies import (
    Vocabularies,
    needed_tokens,
    parse_vocabulary,
    render_vocabulary,
    with_token_ranges,
)
from model_tools.packaging.samples.collection import make_up_samples
from tests.support.manifests import parse_manifest

WORDS = Text(source_vocabulary="words.txt")
CHARACTERS = Text(source_vocabulary="letters.txt", tokens="characters")


def parse(data: str | bytes, text: Text = WORDS, needed=()) -> list[str]:
    return parse_vocabulary(data if isinstance(data, bytes) else data.encode(), text, needed=needed, where="v.txt")


def manifest(**fields: str):
    said = {"source": "{shape: [batch, source], dtype: int64}", "axes": "{source: {min: 2, max: 3}}", **fields}
    return parse_manifest(
        "{name: words, task: text-to-text, checkpoint: a.pt, text: {source_vocabulary: s.txt, target_vocabulary: t.txt,"
        f" tokens: {said.get('tokens', 'words')}}}, axes: {said['axes']}, inputs: [{said['source']}, "
        "{shape: [batch, target], dtype: int64, range: [0, 2]}]}"
    )


def test_a_tokens_id_is_its_line_and_it_survives_the_archive():
    tokens = parse("\ufeff<unk>\r\nHaus\rübung\n\n\n")
    assert tokens == ["<unk>", "Haus", "übung"]
    assert parse(render_vocabulary(tokens)) == tokens


def test_a_blank_is_a_character_and_a_line_separator_too():
    assert parse("<unk>\n \n\u2028\nx", CHARACTERS) == ["<unk>", " ", "\u2028", "x"]


@pytest.mark.parametrize(
    ("data", "text", "told"),
    [
        pytest.param(
            "a\n\nb", WORDS, "v.txt: line 2 is blank: remove it, or write the token of that id", id="blank line"
        ),
        pytest.param("a\nb\na", WORDS, "v.txt: line 3 names 'a' again (first in line 1)", id="token twice"),
        pytest.param("a b", WORDS, "line 1 is 'a b': a word has no blanks in it", id="two words"),
        pytest.param(" a", WORDS, "a word has no blanks in it", id="leading blank"),
        pytest.param(
            "ab", CHARACTERS, "line 1 is 'ab': with tokens: characters each token is one character", id="two characters"
        ),
        pytest.param(b"\xff", WORDS, "v.txt is not UTF-8 text (byte 0)", id="no UTF-8"),
        pytest.param("a", WORDS, "v.txt has no <unk> and no <pad>", id="no special tokens"),
    ],
)
def test_a_wrong_vocabulary_is_refused_with_its_line(data, text, told):
    with pytest.raises(ManifestInvalid) as caught:
        parse(data, text, needed=("<unk>", "<pad>"))
    assert told in str(caught.value)


def test_padding_is_needed_where_several_texts_come_at_once():
    assert needed_tokens(manifest()) == (("<unk>", "<pad>"), ("<bos>", "<eos>"))
    alone = manifest(source="{shape: [batch, source], dtype: int64}", axes="{batch: {max: 1}}")
    assert needed_tokens(alone)[0] == ("<unk>",)


def test_the_range_of_ids_is_the_vocabularys_unless_it_is_given():
    lists = Vocabularies(["<unk>", "<pad>", "a"], ["<bos>", "<eos>", "A", "B"])
    assert [spec.range for spec in with_token_ranges(manifest(), lists).inputs] == [(0, 2), (0, 2)]


@pytest.mark.parametrize("ids", [pytest.param("[0, 3]", id="too large"), pytest.param("[-1, 2]", id="negative")])
def test_ids_beyond_the_vocabulary_are_refused(ids):
    wide = manifest(source=f"{{shape: [batch, source], dtype: int64, range: {ids}}}")
    with pytest.raises(ManifestInvalid, match=r"inputs.0.range: .* goes beyond the vocabulary, whose ids are 0 … 2"):
        with_token_ranges(wide, Vocabularies(["<unk>", "<pad>", "a"], ["<bos>", "<eos>", "A"]))


def test_a_made_up_text_has_usual_tokens_and_as_many_as_the_model_takes():
    words = make_up_samples(manifest(), ["<unk>", "<pad>", "a", "b"])[0].event["text"]
    assert len(words.split()) == 3
    assert set(words.split()) <= {"a", "b"}
    letters = make_up_samples(manifest(tokens="characters"), ["<unk>", " ", "a"])[0].event["text"]
    assert letters == "aaa"
    with pytest.raises(ManifestInvalid, match="has special tokens only"):
        make_up_samples(manifest(), ["<unk>", "<pad>"])
