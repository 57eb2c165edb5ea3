"""Every test, in every folder, has a name that is made of words.

The name is also the same in every process: the workers of a run order sets each in their own way, and pytest-xdist ends
a run whose workers have collected other tests.
"""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import pytest_collection_modifyitems
from tests.support.naming.words import MAX_NAME, MAX_TEXT, is_name, unreadable, words_of


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("tests/unit/test_names.py::test_a_value", id="without parameters"),
        pytest.param("tests/contract/packaging/test_rows.py::test_rows[no prefix-a null byte]", id="with parameters"),
    ],
)
def test_the_name_of_a_test_is_a_path_a_function_and_words(name):
    assert unreadable([name]) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("tests/unit/test_names.py::test_a_value[?value]", id="value without words"),
        pytest.param("tests/unit/test_names.py::test_a_value[<lambda>]", id="lambda"),
        pytest.param("tests/unit/test_names.py::test_Value", id="capital letter"),
    ],
)
def test_a_test_whose_name_cannot_be_read_ends_the_collection(name):
    item = SimpleNamespace(nodeid=name)
    assert unreadable([name]) == [name]
    with pytest.raises(pytest.UsageError, match="give them names of words"):
        pytest_collection_modifyitems([item])


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
