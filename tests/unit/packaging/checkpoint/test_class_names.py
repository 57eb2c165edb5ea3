"""classes.txt: read forgivingly, checked strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import ClassesMismatch
from model_tools.packaging.checkpoint.class_names import parse_classes, render_classes


def refusal(data: bytes) -> str:
    with pytest.raises(ClassesMismatch) as caught:
        parse_classes(data, where="classes.txt")
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"cat\ndog\n", id="Unix"),
        pytest.param(b"cat\ndog", id="no last line end"),
        pytest.param(b"\xef\xbb\xbfcat\r\ndog\r\n", id="Windows with a byte order mark"),
        pytest.param(b"cat\rdog\r", id="old Mac"),
        pytest.param(b" cat \ndog\t\n\n \n\n", id="blanks and blank lines"),
    ],
)
def test_marks_line_ends_and_trailing_blanks_are_forgiven(data):
    assert parse_classes(data, where="classes.txt") == ["cat", "dog"]


def test_other_line_separators_belong_to_a_name():
    assert parse_classes("a\u2028b\nc\x0bd\n".encode(), where="classes.txt") == ["a\u2028b", "c\x0bd"]


def test_blanks_inside_duplicates_and_other_encodings_are_refused():
    assert "line 2 is blank: remove it, or write the name of the model's output 1 there" in refusal(b"cat\n\ndog\n")
    assert "line 3 names 'cat' again (first in line 1)" in refusal(b"cat\ndog\ncat \n")
    assert "is not UTF-8 text (byte 1)" in refusal(b"c\xe9line\n")
    assert "is empty" in refusal(b"\xef\xbb\xbf\r\n")


names = (
    st.text(st.characters(exclude_characters="\r\n\ufeff", exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(bool)
)


@given(st.lists(names, min_size=1, unique=True))
def test_what_is_written_is_read_again(classes):
    assert parse_classes(render_classes(classes), where="classes.txt") == classes
