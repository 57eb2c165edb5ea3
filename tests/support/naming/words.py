"""The names of tests: made of words, and the same in every process.

pytest-xdist compares the names that its processes collect, and a person reads them when a test fails. A name with raw
bytes, an address, a time or a counter in it serves neither. So a parametrised test is named by the words of its values,
and a value that has no words gets a name by hand: `pytest.param(b"\\x00", id="a null byte")`.
"""

import re
from collections.abc import Sequence

TEST = re.compile(r"(?P<path>tests/[a-z0-9_/]+\.py)::(?P<function>test_[a-z0-9_]+)(?:\[(?P<parameters>.*)\])?")
"""The name of a test: a file, a function, and in brackets its parameters."""
WORD = re.compile(r"[A-Za-z0-9]+(?:[._+-]+[A-Za-z0-9]+)*")
MAX_TEXT = 60
"""The longest text that can be part of a name, in characters."""
MAX_NUMBER = 10**12
"""The smallest number that is too long to be part of a name."""
MAX_DEPTH = 3
"""The number of lists within lists that can be part of a name."""
NAME = re.compile(r"-?[A-Za-z0-9](?:[A-Za-z0-9 ._+-]*[A-Za-z0-9])?")
"""The characters of the part of a test's name that tells its parameters."""
MAX_NAME = 100
"""The longest such part, in characters."""


def words_of(value: object, *, depth: int = 0) -> str | None:
    """Return a parameter's value in words, or None when it needs a name by hand.

    Words are the letters and digits of a text, a number, True, False or None, the name of a function or a class, and a
    list or tuple of these, `depth` lists deep.
    """
    if isinstance(value, str):
        return _words_of_text(value)
    if value is None or isinstance(value, bool | float):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < MAX_NUMBER else None
    if isinstance(value, list | tuple):
        return _words_of_sequence(value, depth + 1) if depth < MAX_DEPTH else None
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) and name.isidentifier() else None


def is_name(text: str) -> bool:
    """Tell whether the part of a test's name that tells its parameters is made of words, and not of too many."""
    return len(text) <= MAX_NAME and NAME.fullmatch(text) is not None


def _words_of_text(text: str) -> str | None:
    if len(text) > MAX_TEXT or not (text.isascii() and text.isprintable()):
        return None
    words = " ".join(WORD.findall(text))
    # The digits of "::1" do not tell what it is; those of "3.13" do.
    return words if re.search("[A-Za-z]", words) or (words and words == text) else None


def _words_of_sequence(values: Sequence[object], depth: int) -> str | None:
    parts = [words_of(value, depth=depth) for value in values]
    return " ".join(part for part in parts if part is not None) if parts and None not in parts else None


def unreadable(names: Sequence[str]) -> list[str]:
    """Return the names of tests that are not a path, a function and, in brackets, words."""
    matches = {name: TEST.fullmatch(name) for name in names}
    return [
        name
        for name, match in matches.items()
        if match is None or not (match["parameters"] is None or is_name(match["parameters"]))
    ]
