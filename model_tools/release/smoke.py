"""The smoke test: one version gets every sample's event, and each answer must meet its sample's expectation.

The module is pure: its callers hand in the clock and the function that calls the version.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol, TypeGuard

from pydantic import ValidationError

from model_tools.errors import SmokeTestFailed
from model_tools.formats.manifest import explain
from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.samples import Expectation, Sample

MAX_SAMPLES_BYTES = 64 << 20
"""The largest size of a samples.jsonl."""
MAX_PROBLEMS_TOLD = 5
"""The number of problems that the message lists; the rest is counted."""
HTTP_ERROR = 400
"""The smallest HTTP status that means an error."""


class Answer(Protocol):
    """The result of a call of one version."""

    @property
    def payload(self) -> object:
        """The function's answer, or its error."""

    @property
    def executed_version(self) -> str:
        """The version that answered, as Lambda's response names it."""

    @property
    def function_error(self) -> str | None:
        """The kind of the function's error, as Lambda names it; None for a function that did not fail."""


class Ask(Protocol):
    """Calls one version of the function."""

    def __call__(self, payload: object, *, qualifier: str) -> Answer:
        """Return the answer of the version that the qualifier names."""


@dataclass(frozen=True)
class SmokeReport:
    """The figures of a smoke test that passed."""

    events: int
    """The number of events that the version answered."""
    slowest_ms: float
    """The time of the slowest answer in milliseconds."""


def parse_samples(data: bytes) -> list[Sample]:
    """Return the samples of a samples.jsonl. Raises SmokeTestFailed, which names the line that is wrong."""
    samples = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            samples.append(Sample.model_validate_json(line))
        except ValidationError as error:
            raise SmokeTestFailed(
                explain(error, f"line {number} of samples.jsonl", {"": Sample, "expect": Expectation})
            ) from error
    if not samples:
        raise SmokeTestFailed("There is no sample to ask: add one under samples: in publish.yaml.")
    return samples


def run_smoke_test(samples: Sequence[Sample], version: str, *, ask: Ask, clock: Callable[[], float]) -> SmokeReport:
    """Call one version with every sample's event, `clock` giving seconds.

    Raises SmokeTestFailed, which tells the first few answers that are wrong.
    """
    problems: list[str] = []
    slowest = 0.0
    for sample in samples:
        began = clock()
        answer = ask(sample.event, qualifier=version)
        slowest = max(slowest, clock() - began)
        if answer.function_error:
            found = [f"it failed: {_error_message(answer.payload)}"]
        elif answer.executed_version != version:
            found = [f"version {answer.executed_version} was executed instead of {version}"]
        else:
            found = check_answer(sample, answer.payload, version=version)
        problems += [f"{sample.name}: {problem}" for problem in found]
    if problems:
        told = "; ".join(problems[:MAX_PROBLEMS_TOLD])
        more = f"; and {len(problems) - MAX_PROBLEMS_TOLD} more" if len(problems) > MAX_PROBLEMS_TOLD else ""
        raise SmokeTestFailed(
            f"Version {version} answered {len(samples)} sample(s) and {len(problems)} check(s) failed: {told}{more}. "
            "Correct the model, or the samples if they expect the wrong thing."
        )
    return SmokeReport(events=len(samples), slowest_ms=round(slowest * 1000, 1))


def check_answer(sample: Sample, answer: object, *, version: str) -> list[str]:
    """Return the differences between a direct call's answer and the expectation, in words; empty without any."""
    if not isinstance(answer, Mapping):
        return [f"it answered {_brief(answer)} instead of an object"]
    status = answer.get("statusCode", 200)
    if not isinstance(status, int) or status >= HTTP_ERROR:
        return [f"it answered {status}: {answer.get('message', _brief(answer))}"]
    problems = []
    if answer.get("version") != version:
        problems.append(f"version {answer.get('version')!r} answered instead of {version!r}")
    expect = sample.expect
    if BATCH_FIELD in sample.event and expect.answer is None:
        problems += _errors_within(answer.get("answers"))
    if expect.class_name is not None and answer.get("class") != expect.class_name:
        problems.append(f"it answered class {answer.get('class')!r}, expected {expect.class_name!r}")
    if expect.min_confidence is not None and not _at_least(answer.get("confidence"), expect.min_confidence):
        problems.append(
            f"its confidence is {_rounded(answer.get('confidence'))}, expected {expect.min_confidence} or more"
        )
    if expect.output is not None:
        problems += _compare(expect.output, answer.get("output"), expect.output_tolerance, "output")
    for field, wanted in (expect.answer or {}).items():
        problems += (
            _compare(wanted, answer[field], expect.answer_tolerance, field)
            if field in answer
            else [f"it answered no {field!r}"]
        )
    return problems


def _errors_within(answers: object) -> list[str]:
    """Return the errors that a batch holds in place of answers; a sample that expects some says so in `answer`."""
    if not isinstance(answers, Sequence) or isinstance(answers, str):
        return [f"it answered {_brief(answers)} instead of a list of answers"]
    return [
        f"its answer {number} is an error: {answer.get('message', _brief(answer))}"
        for number, answer in enumerate(answers)
        if isinstance(answer, Mapping) and "error" in answer
    ]


def _error_message(payload: object) -> str:
    if isinstance(payload, Mapping) and "errorMessage" in payload:
        return f"{payload.get('errorType', 'Error')}: {payload['errorMessage']}"
    return _brief(payload)


def _rounded(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _brief(value)


def _at_least(value: object, floor: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= floor


def _compare(expected: object, actual: object, tolerance: float | Sequence[Any], where: str) -> list[str]:
    """Return the first difference between two JSON values; an object may have further fields than the expected ones.

    `tolerance` is a number, or nested lists in the form of the expected ones.
    """
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return _compare_values(expected, actual, tolerance, where)
    if not isinstance(tolerance, int | float):
        raise TypeError(f"{where} is one value and has a tolerance for several")
    if isinstance(expected, Mapping):
        return _compare_fields(expected, actual, tolerance, where)
    if not _is_number(expected) or not _is_number(actual):
        same = type(expected) is type(actual) and expected == actual
        return [] if same else [f"{where} is {_brief(actual)}, expected {_brief(expected)}"]
    if abs(expected - actual) <= tolerance:  # a comparison with NaN is False, so NaN never passes
        return []
    return [f"{where} is {actual}, expected {expected} ± {tolerance}"]


def _compare_values(
    expected: Sequence[object], actual: object, tolerance: float | Sequence[Any], where: str
) -> list[str]:
    if not isinstance(actual, Sequence) or isinstance(actual, str) or len(actual) != len(expected):
        return [f"{where} is {_brief(actual)}, expected {len(expected)} values"]
    allowed = repeat(tolerance, len(expected)) if isinstance(tolerance, int | float) else tolerance
    for index, (left, right, each) in enumerate(zip(expected, actual, allowed, strict=True)):
        if problems := _compare(left, right, each, f"{where}[{index}]"):
            return problems
    return []


def _compare_fields(expected: Mapping[Any, object], actual: object, tolerance: float, where: str) -> list[str]:
    if not isinstance(actual, Mapping):
        return [f"{where} is {_brief(actual)}, expected an object"]
    for field, wanted in expected.items():
        if field not in actual:
            return [f"{where} has no {field!r}"]
        if problems := _compare(wanted, actual[field], tolerance, f"{where}.{field}"):
            return problems
    return []


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}…"  # noqa: PLR2004 (what fits on a line of a message)
