import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest
from pydantic import ValidationError

from model_tools.errors import SmokeTestFailed
from model_tools.release.smoke import Sample, check_answer, parse_samples, run_smoke_test

SEVEN = Sample.model_validate(
    {"name": "seven.json", "event": {"image": "…"}, "expect": {"class": "seven", "min_confidence": 0.6}}
)


@dataclass(frozen=True)
class Answered:
    payload: object
    executed_version: str = "4"
    function_error: str | None = None


def answering(payload: object, **fields: str) -> Callable[..., Answered]:
    return lambda event, *, qualifier: Answered(payload, **fields)


def smoke(ask: Callable[..., Answered]) -> None:
    run_smoke_test([SEVEN], "4", ask=ask, clock=count(0, 0.25).__next__)


def test_the_right_answer_of_the_right_version_passes() -> None:
    answer = {"class": "seven", "confidence": 0.98, "version": "4"}

    report = run_smoke_test([SEVEN, SEVEN], "4", ask=answering(answer), clock=count(0, 0.25).__next__)

    assert (report.events, report.slowest_ms) == (2, 250.0)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(
            {"class": "one", "confidence": 0.9, "version": "4"},
            "it answered class 'one', expected 'seven'",
            id="another class",
        ),
        pytest.param(
            {"class": "seven", "confidence": 0.5, "version": "4"},
            "its confidence is 0.5, expected 0.6 or more",
            id="too little confidence",
        ),
        pytest.param(
            {"class": "seven", "confidence": float("nan"), "version": "4"},
            "its confidence is nan",
            id="confidence of NaN",
        ),
        pytest.param(
            {"class": "seven", "confidence": 0.9, "version": "3"},
            "version '3' answered instead of '4'",
            id="another version",
        ),
        pytest.param({"statusCode": 400, "message": "no image"}, "it answered 400: no image", id="error status"),
        pytest.param("seven", "it answered 'seven' instead of an object", id="text"),
        pytest.param(None, "it answered None instead of an object", id="nothing"),
    ],
)
def test_a_wrong_answer_fails_with_what_is_wrong(answer: object, told: str) -> None:
    with pytest.raises(SmokeTestFailed) as caught:
        smoke(answering(answer))

    assert f"seven.json: {told}" in str(caught.value)


def test_a_version_that_raises_fails_with_its_error() -> None:
    error = {"errorType": "RuntimeError", "errorMessage": "no such operator"}

    with pytest.raises(SmokeTestFailed, match="RuntimeError: no such operator"):
        smoke(answering(error, function_error="Unhandled"))


def test_another_version_than_the_new_one_is_not_taken_for_it() -> None:
    with pytest.raises(SmokeTestFailed, match="version 3 was executed instead of 4"):
        smoke(answering({"class": "seven", "confidence": 1.0, "version": "4"}, executed_version="3"))


def test_outputs_are_compared_number_by_number_within_the_tolerance() -> None:
    sample = Sample.model_validate(
        {"name": "t", "event": {}, "expect": {"output": [[1.0, 2.0], [3.0, 4.0]], "tolerance": 0.01}}
    )

    assert check_answer(sample, {"output": [[1.0, 2.009], [3.0, 4.0]], "version": "4"}, version="4") == []
    assert check_answer(sample, {"output": [[1.0, 2.0], [3.0, 4.02]], "version": "4"}, version="4") == [
        "output[1][1] is 4.02, expected 4.0 ± 0.01"
    ]
    assert check_answer(sample, {"output": [[1.0, 2.0]], "version": "4"}, version="4") == [
        "output is [[1.0, 2.0]], expected 2 values"
    ]
    nan = {"output": [[1.0, 2.0], [3.0, float("nan")]], "version": "4"}
    assert check_answer(sample, nan, version="4") != []


def sample_of_two_columns(tolerance: object) -> Sample:
    expect = {"output": [[1e6, 0.3], [2e6, -1e9]], "tolerance": tolerance, "answer": {"score": 0.5}}
    return Sample.model_validate({"name": "t", "event": {}, "expect": expect})


@pytest.mark.parametrize(
    ("tolerance", "problem"),
    [
        pytest.param([[100.0, 0.001], [200.0, 1e6]], "output[0][1] is 0.31, expected 0.3 ± 0.001", id="each value"),
        pytest.param([[100.0, 0.1], 1e6], None, id="one number for a row"),
        pytest.param([0.005, 1e6], "output[0][0] is 1000050.0, expected 1000000.0 ± 0.005", id="one number a row"),
    ],
)
def test_each_number_may_have_a_tolerance_of_its_own(tolerance, problem) -> None:
    sample = sample_of_two_columns(tolerance)
    answer = {"output": [[1000050.0, 0.31], [2e6, -1e9 + 1e5]], "score": 0.5, "version": "4"}

    assert check_answer(sample, answer, version="4") == ([problem] if problem else [])


def test_nested_tolerances_do_not_hold_for_the_fields_of_an_answer() -> None:
    sample = sample_of_two_columns([[1e9, 1e9], [1e9, 1e9]])
    answer = {"output": [[0, 0], [0, 0]], "score": 0.6, "version": "4"}

    assert check_answer(sample, answer, version="4") == ["score is 0.6, expected 0.5 ± 0.001"]


@pytest.mark.parametrize(
    ("tolerance", "told"),
    [
        pytest.param([[100.0, 0.001]], "as long as those of output", id="a row too few"),
        pytest.param([[100.0], [200.0]], "as long as those of output", id="a column too few"),
        pytest.param([[[1.0], 1.0], 1.0], "as long as those of output", id="too deep"),
        pytest.param([[-1.0, 1.0], 1.0], "a number from 0", id="negative number"),
        pytest.param([[True, 1.0], 1.0], "a number from 0", id="boolean"),
        pytest.param([["1", 1.0], 1.0], "a number from 0", id="text"),
        pytest.param(-1, "a number from 0", id="negative number for all"),
        pytest.param({"output": 1}, "a number from 0", id="object"),
    ],
)
def test_a_tolerance_must_be_a_number_or_have_the_form_of_the_output(tolerance, told) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        sample_of_two_columns(tolerance)

    assert caught.value.error_count() == 1


def test_nested_tolerances_need_an_output() -> None:
    with pytest.raises(ValidationError, match="add output"):
        Sample.model_validate({"name": "t", "event": {}, "expect": {"answer": {"score": 1}, "tolerance": [1.0]}})


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        pytest.param({"text": "zwei", "score": -0.5004, "more": 1}, [], id="as expected"),
        pytest.param({"text": "drei", "score": -0.5}, ["text is 'drei', expected 'zwei'"], id="another text"),
        pytest.param({"text": "zwei"}, ["it answered no 'score'"], id="missing number"),
        pytest.param(
            {"text": "zwei", "score": -0.6}, ["score is -0.6, expected -0.5 ± 0.001"], id="number too far off"
        ),
        pytest.param({"text": "zwei", "score": "-0.5"}, ["score is '-0.5', expected -0.5"], id="number as text"),
    ],
)
def test_an_answers_fields_are_compared_and_others_not_looked_at(answer: dict, problems: list[str]) -> None:
    expect = {"answer": {"text": "zwei", "score": -0.5}}
    sample = Sample.model_validate({"name": "t", "event": {}, "expect": expect})

    assert check_answer(sample, {**answer, "version": "4"}, version="4") == problems


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        pytest.param([{"class": "a", "top": [1, 2], "extra": 0}, {"error": "BadRequest"}], None, id="as expected"),
        pytest.param(
            [{"class": "b", "top": [1, 2]}, {"error": "BadRequest"}],
            "answers[0].class is 'b', expected 'a'",
            id="another class",
        ),
        pytest.param(
            [{"class": "a", "top": [1, 3]}, {"error": "BadRequest"}],
            "answers[0].top[1] is 3, expected 2 ± 0.5",
            id="number too far off",
        ),
        pytest.param([{"top": [1, 2]}, {"error": "BadRequest"}], "answers[0] has no 'class'", id="missing field"),
        pytest.param(
            [[], {"error": "BadRequest"}], "answers[0] is [], expected an object", id="list instead of an object"
        ),
        pytest.param(
            [{"class": "a", "top": [1, True]}, {"error": "BadRequest"}],
            "answers[0].top[1] is True, expected 2",
            id="bool instead of a number",
        ),
        pytest.param(
            [{"class": "a", "top": [1, 2]}],
            "answers is [{'class': 'a', 'top': [1, 2]}], expected 2 values",
            id="too few answers",
        ),
    ],
)
def test_a_nested_answer_is_compared_to_its_depths(answers: list, problem: str | None) -> None:
    wanted = [{"class": "a", "top": [1, 2]}, {"error": "BadRequest"}]
    expect = {"answer": {"answers": wanted}, "tolerance": 0.5}
    sample = Sample.model_validate({"name": "t", "event": {}, "expect": expect})

    assert check_answer(sample, {"answers": answers, "version": "4"}, version="4") == ([problem] if problem else [])


def test_samples_are_read_line_by_line_and_a_wrong_line_is_named() -> None:
    good = json.dumps({"name": "a", "event": {}})

    assert [sample.name for sample in parse_samples(f"{good}\n{good}\n".encode())] == ["a", "a"]
    with pytest.raises(SmokeTestFailed, match=r"line 2 of samples.jsonl: expect.clas: is not a field"):
        parse_samples(f'{good}\n{{"name": "b", "event": {{}}, "expect": {{"clas": "x"}}}}'.encode())
    with pytest.raises(SmokeTestFailed, match="There is no sample"):
        parse_samples(b"")


def test_an_error_within_a_batch_is_a_problem_unless_it_is_expected() -> None:
    batch = {"requests": [{"input": [1]}, {}]}
    answer = {"answers": [{"output": [2]}, {"error": "BadRequest", "message": "give one of input"}], "version": "4"}

    assert check_answer(Sample(name="a", event=batch), answer, version="4") == [
        "its answer 1 is an error: give one of input"
    ]
    expected = Sample.model_validate(
        {"name": "a", "event": batch, "expect": {"answer": {"answers": [{}, {"error": "BadRequest"}]}}}
    )
    assert check_answer(expected, answer, version="4") == []
    assert check_answer(Sample(name="a", event=batch), {"version": "4"}, version="4") == [
        "it answered None instead of a list of answers"
    ]
