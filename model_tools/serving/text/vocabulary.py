"""Turns text into token ids and back, by the vocabularies of a model's archive. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from model_tools.formats.sections import Text
from model_tools.formats.vocabulary import BEGIN, CONTROL_TOKENS, END, PADDING, UNKNOWN
from model_tools.serving.requests import BadRequest

MAX_TEXTS = 256
"""The largest number of texts in one request."""


class Vocabulary:
    """The tokens of a model by their ids, and the ids by the tokens."""

    def __init__(self, tokens: Sequence[str], text: Text) -> None:
        self._tokens = tuple(tokens)
        self._ids = {token: index for index, token in enumerate(tokens)}
        self._unknown = self._ids.get(UNKNOWN)
        self._text = text
        self.padding = self._ids.get(PADDING)
        self.begin = self._ids.get(BEGIN)
        self.end = self._ids.get(END)

    def __len__(self) -> int:
        return len(self._tokens)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's tokens; a token that is not in the vocabulary becomes `<unk>`."""
        if self._text.lowercase:
            text = text.lower()
        tokens: Sequence[str] = text.split() if self._text.tokens == "words" else text
        # "<pad>" in a caller's text is an ordinary word, which the vocabulary does not know.
        ids = [self._unknown if token in CONTROL_TOKENS else self._ids.get(token, self._unknown) for token in tokens]
        return [index for index in ids if index is not None]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text that token ids stand for, without control tokens."""
        tokens = [self._tokens[index] for index in ids if self._tokens[index] not in CONTROL_TOKENS]
        return (" " if self._text.tokens == "words" else "").join(tokens)


class TextReader:
    """Reads the text or the texts of a request."""

    def __init__(self, vocabulary: Vocabulary, *, fewest: int, most: int) -> None:
        """Read texts of `fewest` to `most` tokens."""
        self._vocabulary = vocabulary
        self._fewest = fewest
        self._most = most

    def read(self, request: Mapping[str, Any]) -> list[list[int]]:
        """Return the token ids of each text. Raises BadRequest."""
        text, texts = request.get("text"), request.get("texts")
        if (text is None) == (texts is None):
            raise BadRequest("give one of text (a string) and texts (a list of them).")
        if texts is None:
            return [self._encode(text, "text")]
        if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
            raise BadRequest(f"texts must be a list of 1 to {MAX_TEXTS} strings.")
        return [self._encode(each, f"texts[{index}]") for index, each in enumerate(texts)]

    def _encode(self, text: object, where: str) -> list[int]:
        if not isinstance(text, str):
            raise BadRequest(f"{where} must be a string.")
        ids = self._vocabulary.encode(text)
        if not ids:
            raise BadRequest(f"{where} is empty.")
        if len(ids) > self._most:
            raise BadRequest(f"{where} has {len(ids)} tokens; the model takes {self._most} at most.")
        if len(ids) < self._fewest:
            raise BadRequest(f"{where} has {len(ids)} tokens; the model takes {self._fewest} at least.")
        return ids
