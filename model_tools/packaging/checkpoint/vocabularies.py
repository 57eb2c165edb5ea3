"""Reads and writes vocabularies: one token a line, whose number from 0 is the token's id. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import InputSpec, Text
from model_tools.formats.text_files import decode_text
from model_tools.formats.vocabulary import BEGIN, END, PADDING, SPECIAL, UNKNOWN

MAX_VOCABULARY_BYTES = 64 << 20
"""The largest size of a vocabulary file."""


@dataclass(frozen=True)
class Vocabularies:
    """The tokens that a model of text reads and writes, in the order of their ids."""

    source: list[str]
    target: list[str] | None
    """The tokens that the model writes; None for a model that writes no text."""


def parse_vocabulary(data: bytes, text: Text, *, needed: Sequence[str], where: str) -> list[str]:
    """Return the tokens of a vocabulary file; a BOM, any line ends and blank lines at the end are accepted.

    Lines are not stripped, since a vocabulary of characters may hold a space. Raises ManifestInvalid for other blank
    lines, duplicates, tokens that no text can contain, a missing token of those `needed`, or bytes that are not UTF-8.
    `where` names the file.
    """
    decoded = decode_text(data, where=where, max_bytes=MAX_VOCABULARY_BYTES, kind="vocabulary")
    tokens = re.split(r"\r\n|\r|\n", decoded)
    while tokens and not tokens[-1]:
        tokens.pop()
    first: dict[str, int] = {}
    for number, token in enumerate(tokens, start=1):
        if problem := _token_problem(token, text):
            raise ManifestInvalid(f"{where}: line {number} {problem}.")
        if token in first:
            raise ManifestInvalid(
                f"{where}: line {number} names {token!r} again (first in line {first[token]}): give each id its own "
                "token."
            )
        first[token] = number
    missing = [token for token in needed if token not in first]
    if missing:
        raise ManifestInvalid(
            f"{where} has no {' and no '.join(missing)}: add what the model was trained with; the line's number, from "
            "0, is the token's id."
        )
    return tokens


def needed_tokens(manifest: Manifest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the special tokens that the source and the target vocabulary must have.

    `<pad>` fills up the shorter texts of a batch, so it is needed for a model that takes more than one row.
    """
    batch = manifest.inputs[0].shape[0]
    largest = manifest.axis_sizes(batch).max if isinstance(batch, str) else batch
    padding = (PADDING,) if largest > 1 else ()
    return (UNKNOWN, *padding), (BEGIN, END)


def with_token_ranges(manifest: Manifest, vocabularies: Vocabularies) -> Manifest:
    """Return the manifest with the range of ids filled in for every input of tokens.

    Raises ManifestInvalid for a range that goes beyond the vocabulary.
    """
    lists = [vocabularies.source, vocabularies.target or []]
    inputs = [
        _with_range(spec, index, len(tokens))
        for index, (spec, tokens) in enumerate(zip(manifest.inputs, lists, strict=False))
    ]
    return manifest.model_copy(update={"inputs": inputs})


def render_vocabulary(tokens: Sequence[str]) -> bytes:
    """Return the vocabulary as the archive holds it: UTF-8, one token a line."""
    return "".join(f"{token}\n" for token in tokens).encode()


def _token_problem(token: str, text: Text) -> str | None:
    if not token:
        return "is blank: remove it, or write the token of that id there"
    if SPECIAL.fullmatch(token):
        return None
    if text.tokens == "characters" and len(token) != 1:
        return f"is {token[:40]!r}: with tokens: characters each token is one character; write tokens: words otherwise"
    if text.tokens == "words" and token.split() != [token]:
        return f"is {token[:40]!r}: a word has no blanks in it; remove them"
    return None


def _with_range(spec: InputSpec, index: int, count: int) -> InputSpec:
    if spec.range is None:
        return spec.model_copy(update={"range": (0.0, float(count - 1))})
    low, high = spec.range
    if low < 0 or high >= count:
        raise ManifestInvalid(
            f"inputs.{index}.range: {low:g} … {high:g} goes beyond the vocabulary, whose ids are 0 … {count - 1}: "
            "remove range, or correct the vocabulary."
        )
    return spec
