import json

from hypothesis import given
from hypothesis import strategies as st

from statemachine.layout import to_json

WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
VALUES = st.recursive(
    WORDS | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=30
)


@given(st.dictionaries(WORDS, VALUES))
def test_nothing_is_lost_and_the_order_stays(definition: dict) -> None:
    text = to_json(definition)

    assert json.loads(text) == definition
    assert list(json.loads(text)) == list(definition)


def test_a_short_object_stands_on_one_line_and_states_are_parted() -> None:
    state = {"Type": "Pass", "Parameters": {"position": 0}, "End": True}

    assert to_json({"StartAt": "One", "States": {"One": state, "Two": state}}) == (
        "{\n"
        '  "StartAt": "One",\n'
        '  "States": {\n'
        '    "One": {\n'
        '      "Type": "Pass",\n'
        '      "Parameters": {"position": 0},\n'
        '      "End": true\n'
        "    },\n"
        "\n"
        '    "Two": {\n'
        '      "Type": "Pass",\n'
        '      "Parameters": {"position": 0},\n'
        '      "End": true\n'
        "    }\n"
        "  }\n"
        "}\n"
    )


def test_many_short_words_share_lines_and_long_text_has_its_own() -> None:
    names = [f"Service.Error{number:04}Exception" for number in range(12)]
    text = to_json({"States": {"One": {"Retry": [{"ErrorEquals": names, "Words": "as many as there are " * 6}]}}})

    lines = text.splitlines()
    assert max(len(line) for line in lines if "as many" not in line) <= 120
    assert sum("Service.Error" in line for line in lines) == 4
