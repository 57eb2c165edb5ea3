"""The input that a rule's target is given."""

import json

import pytest

from emulator.events.target_input import TargetInputError, fill_template, target_input

EVENT = {"time": "2026-01-01T00:00:00Z", "detail": {"name": 'a "b"', "size": 3, "list": [{"x": 1}]}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param({}, EVENT, id="the event"),
        pytest.param({"Input": "[1]"}, [1], id="constant input"),
        pytest.param({"InputPath": "$.detail.list[0].x"}, 1, id="path"),
        pytest.param({"InputPath": "$.detail.nothing"}, None, id="path to nothing"),
        pytest.param(
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.name", "s": "$.detail.size", "gone": "$.no"},
                    "InputTemplate": (
                        '{"text": "<n>: <s><gone>", "name": <n>, "size": <s>, "r": <aws.events.rule-name>}'
                    ),
                }
            },
            {"text": 'a "b": 3', "name": 'a "b"', "size": 3, "r": "r"},
            id="transformer",
        ),
    ],
)
def test_what_a_target_is_given(target, expected):
    given = target_input(target, EVENT, rule_arn="arn:aws:events:us-east-1:123456789012:rule/r")
    assert json.loads(given) == expected


def test_a_template_that_makes_no_json_or_names_nothing_is_an_error():
    with pytest.raises(TargetInputError, match="is not JSON"):
        target_input({"InputTransformer": {"InputTemplate": "{"}}, EVENT, rule_arn="arn:x/r")
    with pytest.raises(TargetInputError, match="has <nobody>"):
        fill_template("<nobody>", {})
