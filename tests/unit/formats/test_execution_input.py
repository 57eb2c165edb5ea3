import pytest

from model_tools.errors import RequestInvalid
from model_tools.formats.execution_input import parse_request

URI = "s3://bucket/runs/42/"


def test_only_the_model_uri_is_required() -> None:
    request = parse_request({"model_uri": URI})

    assert request.rollout.steps == [10, 50]
    assert request.rollout.bake_seconds == 300


def test_all_at_once_has_no_steps() -> None:
    assert parse_request({"model_uri": URI, "rollout": {"strategy": "all-at-once"}}).rollout.steps == []


def test_the_name_of_the_workflow_that_started_it_is_accepted() -> None:
    parse_request({"model_uri": URI, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:…"})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "model_uri: is missing"),
        ({"model_uri": "/home/me/model"}, "model_uri: '/home/me/model' is not of the form s3://"),
        ({"model_uri": URI, "modeluri": 1}, "modeluri: is not a field"),
        ({"model_uri": URI, "modeluri": 1}, "model_uri, requested_by, rollout"),
        (
            {"model_uri": URI, "rollout": {"step": [10]}},
            "rollout.step: is not a field of it: remove it or correct its spelling (bake_seconds, steps, strategy)",
        ),
        ({"model_uri": URI, "rollout": {"steps": [*range(1, 9)], "bake_seconds": 86400}}, "longer than the seven days"),
        ({"model_uri": URI, "rollout": {"steps": [50, 10]}}, "rollout: steps must rise"),
        ({"model_uri": URI, "rollout": {"steps": []}}, "rollout: canary needs at least one step"),
        ({"model_uri": URI, "rollout": {"steps": [100]}}, "rollout.steps.0: Input should be less than or equal to 99"),
        ({"model_uri": URI, "rollout": {"bake_seconds": -1}}, "rollout.bake_seconds: Input should be greater"),
        ({"model_uri": URI, "rollout": {"strategy": "all-at-once", "steps": [5]}}, "rollout: all-at-once has no steps"),
        ("s3://bucket/model/", "the execution's input: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(data: object, told: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse_request(data)

    assert told in str(caught.value)
    assert str(caught.value).startswith("the execution's input")


def test_of_thousands_of_mistakes_a_few_are_told() -> None:
    with pytest.raises(RequestInvalid, match=r"field-0x+: is not a field.*; and 4,990 more\.$") as caught:
        parse_request({"model_uri": URI, **{f"field-{number}{'x' * 999}": 0 for number in range(5_000)}})

    assert len(str(caught.value)) < 10_000
