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
        pytest.param({}, "model_uri: is missing", id="empty"),
        pytest.param(
            {"model_uri": "/home/me/model"}, "model_uri: '/home/me/model' is not of the form s3://", id="no S3 URI"
        ),
        pytest.param(
            {"model_uri": "s3://bucket/" + "\u00e4" * 513},
            "model_uri: the key has 1,026 bytes in UTF-8, and S3 allows 1,024",
            id="key too long in UTF-8",
        ),
        pytest.param({"model_uri": "s3://bucket/\ud800"}, "half of a character", id="half of a character"),
        pytest.param({"model_uri": URI, "modeluri": 1}, "modeluri: is not a field", id="unknown field"),
        pytest.param(
            {"model_uri": URI, "modeluri": 1}, "model_uri, requested_by, rollout", id="the known fields are named"
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"step": [10]}},
            "rollout.step: is not a field of it: remove it or correct its spelling (bake_seconds, steps, strategy)",
            id="unknown field of the rollout",
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"steps": [*range(1, 9)], "bake_seconds": 86400}},
            "longer than the seven days",
            id="longer than a week",
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"steps": [50, 10]}}, "rollout: steps must rise", id="falling steps"
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"steps": []}},
            "rollout: canary needs at least one step",
            id="canary without steps",
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"steps": [100]}},
            "rollout.steps.0: Input should be less than or equal to 99",
            id="a step of 100 percent",
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"bake_seconds": -1}},
            "rollout.bake_seconds: Input should be greater",
            id="negative bake",
        ),
        pytest.param(
            {"model_uri": URI, "rollout": {"strategy": "all-at-once", "steps": [5]}},
            "rollout: all-at-once has no steps",
            id="steps for all at once",
        ),
        pytest.param("s3://bucket/model/", "the execution's input: Input should be a valid dictionary", id="text"),
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


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(" ", id="blank"),
        pytest.param("run 1+2%20/\u202f\u00a0/", id="blanks of three kinds"),
        pytest.param("tab\t/line\nbreak\r", id="tab and line breaks"),
        pytest.param("//a/../b/./", id="slashes and dots"),
        pytest.param("k" * 1024, id="longest"),
    ],
)
def test_any_key_that_s3_accepts_may_name_a_model(key: str) -> None:
    assert parse_request({"model_uri": f"s3://bucket/{key}"}).model_uri == f"s3://bucket/{key}"
