"""YAML means what YAML 1.2 says: what PyYAML reads otherwise, and what nobody can read in one way only."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_tools.errors import ManifestInvalid
from model_tools.formats.yaml_text import parse_yaml


def read(value: str) -> object:
    return parse_yaml(f"value: {value}\n", "publish.yaml")["value"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("1e-5", 1e-5, id="exponent without a point"),
        pytest.param("1E5", 1e5, id="capital exponent"),
        pytest.param("1.0e-05", 1e-5, id="exponent with a point"),
        pytest.param("-3e+2", -300.0, id="signs"),
        pytest.param(".5", 0.5, id="point first"),
        pytest.param("5.", 5.0, id="point last"),
        pytest.param("+12", 12, id="plus"),
        pytest.param("010", 10, id="zero first"),
        pytest.param("0o10", 8, id="octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0b11", "0b11", id="binary"),
        pytest.param("1_000", "1_000", id="underscore"),
        pytest.param("1:30", "1:30", id="hours and minutes"),
        pytest.param("190:20:30.15", "190:20:30.15", id="hours minutes and seconds"),
        pytest.param("2024-01-02", "2024-01-02", id="date"),
        pytest.param("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00", id="time"),
        pytest.param("NO", "NO", id="Norway"),
        pytest.param("yes", "yes", id="yes"),
        pytest.param("on", "on", id="switched on"),
        pytest.param("Off", "Off", id="switched off"),
        pytest.param("true", True, id="true"),
        pytest.param("FALSE", False, id="capital false"),
        pytest.param("tRUE", "tRUE", id="odd true"),
        pytest.param("null", None, id="null"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        pytest.param(".inf", math.inf, id="infinity"),
        pytest.param("-.INF", -math.inf, id="minus infinity"),
        pytest.param("1e", "1e", id="exponent without digits"),
        pytest.param("1,5", "1,5", id="comma"),
        pytest.param("e5", "e5", id="exponent alone"),
        pytest.param(".", ".", id="point alone"),
        pytest.param("=", "=", id="equals sign"),
        pytest.param('"1e-5"', "1e-5", id="quoted number"),
        pytest.param("'true'", "true", id="quoted bool"),
        pytest.param("!!str 1e-5", "1e-5", id="number tagged as text"),
        pytest.param("!!float 1", 1.0, id="integer tagged as float"),
        pytest.param(r'"\ud83d\ude00"', "\U0001f600", id="character in two halves as JSON writes it"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    found = read(written)
    assert found == meant
    assert type(found) is type(meant)


def test_the_names_of_fields_are_texts_whatever_they_say() -> None:
    assert parse_yaml("no: 1\non: 2\n2024-01-01: 3\n", "publish.yaml") == {"no": 1, "on": 2, "2024-01-01": 3}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", "line 3: 'a' stands here again, after line 1", id="field twice"),
        pytest.param('a: 1\n"a": 3\n', "line 2: 'a' stands here again", id="field twice in quotes"),
        pytest.param("x: {a: 1, a: 2}", "line 1: 'a' stands here again", id="field twice within"),
        pytest.param("x:\n  1: a\n", "line 2: a field's name is no text: write it in quotes", id="number as a name"),
        pytest.param("true: a\n", "line 1: a field's name is no text", id="bool as a name"),
        pytest.param("? [a]\n: b\n", "a field's name is no text", id="list as a name"),
        pytest.param(
            "samples: **/*.json", "begins with * is read as an alias: write it in quotes", id="glob of folders"
        ),
        pytest.param("samples: *.json", "begins with * is read as an alias: write it in quotes", id="glob of files"),
        pytest.param("samples: *x", "begins with * is read as an alias: write it in quotes", id="glob of a name"),
        pytest.param("a: @x", "write the text in quotes", id="at sign"),
        pytest.param("a: b: c", "write a text with a colon in quotes", id="second colon"),
        pytest.param("a: b\n c: d", "begin fields of one mapping below one another", id="other indentation"),
        pytest.param("a:\n\tb: 1\n", "line 2, column 1: a tab stands where YAML wants blanks", id="tab"),
        pytest.param("a: 1\n\u00a0b: 2\n", "line 2: the field's name '\\xa0b' has a blank", id="no-break space"),
        pytest.param(
            "\u200bname: x\n", "line 1: the field's name '\\u200bname' has a blank or an invisible", id="zero width"
        ),
        pytest.param("a: [1\nb: 2\n", "line 2", id="unclosed list"),
        pytest.param("a: 1\n---\nb: 2\n", "but found another document", id="two documents"),
        pytest.param(
            "a: !!python/object:os.system x", "line 1: the tag !!python/object:os.system has no meaning", id="code"
        ),
        pytest.param("a: !!timestamp 2001-01-01", "the tag !!timestamp has no meaning", id="tagged date"),
        pytest.param("a: !!set {b}", "the tag !!set has no meaning", id="set"),
        pytest.param("a: !!int x", "'x' is not of the type !!int", id="text tagged as integer"),
        pytest.param("a: !mine x", "the tag !mine has no meaning", id="tag of somebody"),
        pytest.param("a: &a {b: *a}", "line 1: a value holds itself by an alias", id="alias of itself"),
        pytest.param("a: &a {<<: *a}", "line 1: a value holds itself by an alias", id="merge of itself"),
        pytest.param("a: {<<: 1}", "<< brings no mapping", id="merge of a number"),
        pytest.param("a: 1e999", "1e999 is too large", id="too large a number"),
        pytest.param(f"a: {'9' * 5000}", "a number of 5,000 digits is too long", id="too many digits"),
        pytest.param("- a\n", "it is a list", id="list"),
        pytest.param("# nothing\n", "it is empty", id="nothing"),
        pytest.param("a: \x07", "is not YAML", id="bell"),
        pytest.param(r'a: "\ud83d"', "half of a character", id="half of a character"),
    ],
)
def test_what_nobody_can_read_in_one_way_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_yaml(text, "publish.yaml")
    message = str(caught.value)
    assert told in message
    assert message.startswith("publish.yaml")
    assert "\n" not in message


def test_aliases_and_merge_keys_mean_what_they_repeat() -> None:
    bases = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\n"
    read_as = parse_yaml(bases + "x: {<<: [*base, *more], a: 5}\ny: {a: 6, <<: *base}\nz: *base\n", "publish.yaml")
    assert read_as["x"] == {"a": 5, "b": 2, "c": 4}
    assert read_as["y"] == {"a": 6, "b": 2}
    assert read_as["z"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{name}: &{name} [{before}, {before}]", id="lists"),
        pytest.param("{name}: &{name} {{a: {before}, b: {before}}}", id="mappings"),
    ],
)
def test_a_few_lines_cannot_stand_for_billions(line: str) -> None:
    first = "a0: &a0 {x: 1}"
    lines = [line.format(name=f"a{index}", before=f"*a{index - 1}") for index in range(1, 60)]
    with pytest.raises(ManifestInvalid, match="stands for more than 100,000 values"):
        parse_yaml("\n".join([first, *lines]), "publish.yaml")


def test_a_field_that_is_merged_many_times_is_there_once() -> None:
    lines = [f"a{index}: &a{index} {{<<: [*a{index - 1}, *a{index - 1}], a{index}: 1}}" for index in range(1, 60)]
    assert len(parse_yaml("\n".join(["a0: &a0 {x: 1}", *lines]), "publish.yaml")["a59"]) == 60


def test_merging_a_large_mapping_again_and_again_is_refused() -> None:
    fields = ", ".join(f"f{index}: 1" for index in range(1000))
    nested = "{<<: " * 120 + "*base" + "}" * 120
    with pytest.raises(ManifestInvalid, match="more than 100,000 values"):
        parse_yaml(f"base: &base {{{fields}}}\na: {nested}", "publish.yaml")


def test_lines_may_end_as_on_windows() -> None:
    assert parse_yaml("a: 1\r\nb:\r\n  - x\r\n", "publish.yaml") == {"a": 1, "b": ["x"]}


KEYS = st.text("abcxyz_0", min_size=1, max_size=4).map(lambda key: f"k{key}")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_json_is_yaml(fields: dict[str, object]) -> None:
    assert parse_yaml(json.dumps(fields), "publish.yaml") == fields
