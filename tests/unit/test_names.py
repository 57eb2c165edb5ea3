"""Every test, in every folder, has a name that is made of words and the same in every process."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.naming.words import MAX_NAME, MAX_TEXT, is_name, words_of

ROOT = Path(__file__).parents[2]
TEST = re.compile(r"(?P<path>tests/[a-z0-9_/]+\.py)::(?P<function>test_[a-z0-9_]+)(?:\[(?P<parameters>.*)\])?")


def collect(hash_seed: int) -> list[str]:
    """Return the names of all tests as a process of its own collects them, in their order."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["--collect-only", "--quiet", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"],
        cwd=ROOT,
        env={**environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_tests_have_the_same_names_made_of_words_whenever_and_wherever_they_are_collected():
    # The second process begins seconds after the first, so a time in a name shows, and orders sets otherwise.
    first, second = collect(1), collect(2)

    assert len(first) > 1000
    assert sorted(set(first) ^ set(second)) == []
    assert first == second
    matches = {name: TEST.fullmatch(name) for name in first}
    unreadable = [
        name
        for name, match in matches.items()
        if match is None or not (match["parameters"] is None or is_name(match["parameters"]))
    ]
    assert unreadable == [], "give them names of words: pytest.param(…, id='a null byte')"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("unknown field(s) 'topk'; there is image", "unknown field s topk there is image"),
        ("s3://bucket/model.pt", "s3 bucket model.pt"),
        ("--index-url", "index-url"),
        ("3.13", "3.13"),
        pytest.param(-9, "-9", id="negative number"),
        (0.5, "0.5"),
        (None, "None"),
        (True, "True"),
        (["publish", "--step", 5], "publish step 5"),
        ((1, (2, 3)), "1 2 3"),
        (ValueError, "ValueError"),
        (pytest.param, "param"),
    ],
)
def test_a_value_is_named_by_its_words(value, words):
    assert words_of(value) == words
    assert is_name(words)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty text"),
        pytest.param("::1", id="digits that were something else"),
        pytest.param("zwölf", id="letters that are not ASCII"),
        pytest.param("two\nlines", id="two lines"),
        pytest.param("x" * (MAX_TEXT + 1), id="long text"),
        pytest.param(10**12, id="long number"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param({"a": 1}, id="dict"),
        pytest.param({"a"}, id="set"),
        pytest.param([], id="empty list"),
        pytest.param(["a", b""], id="list with bytes"),
        pytest.param(lambda: None, id="lambda"),
        pytest.param(partial(print), id="object"),
        pytest.param(Path("/tmp/x"), id="path"),
    ],
)
def test_a_value_without_words_needs_a_name_by_hand(value):
    assert words_of(value) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(r"\x1f\x8b", id="escaped bytes"),
        pytest.param("<lambda>", id="lambda"),
        pytest.param("?request_", id="value without words"),
        pytest.param("- and ", id="blank at the end"),
        pytest.param("x" * (MAX_NAME + 1), id="too long"),
    ],
)
def test_a_name_that_cannot_be_read_is_none(text):
    assert not is_name(text)
