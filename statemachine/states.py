"""The kinds of states, and the conditions of a choice, in Amazon States Language (JSONPath).

A state that names no successor is followed by the one that is written below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statemachine.policies import CALL_FUNCTION, Catch, Retry, catches_everything

Fields = dict[str, Any]
INTEGRATION = "arn:${Partition}:states:::"
"""The beginning of every integration's name; the partition is `aws`, `aws-cn` or `aws-us-gov`, by the region."""
CALL_SECONDS = 60
"""The time limit of one call of a service's API."""
MOVES_ON = ("Task", "Pass", "Wait")
"""The kinds of states that have one successor."""


@dataclass(frozen=True)
class State:
    """One state of a state machine."""

    name: str
    fields: Fields


def machine(comment: str, *states: State, seconds: int, otherwise: Catch) -> Fields:
    """Return a definition that begins with its first state.

    `otherwise` is where a task's errors lead that the task itself does not catch.
    """
    named: dict[str, Fields] = {}
    for state, following in zip(states, [*states[1:], None], strict=True):
        fields = dict(state.fields)
        if fields["Type"] == "Task" and not catches_everything(fields.get("Catch", [])):
            fields["Catch"] = [*fields.get("Catch", []), otherwise]
        if fields["Type"] in MOVES_ON and "Next" not in fields:
            if following is None:
                raise ValueError(f"{state.name} is the last state and names no successor")
            fields["Next"] = following.name
        if state.name in named:
            raise ValueError(f"two states are called {state.name}")
        named[state.name] = _in_order(fields)
    return {"Comment": comment, "StartAt": states[0].name, "TimeoutSeconds": seconds, "States": named}


ORDER = [
    "Type",
    "Comment",
    "Resource",
    "Parameters",
    "ResultSelector",
    "ResultPath",
    "TimeoutSeconds",
    "Retry",
    "Catch",
]
"""The fields of a state in the order in which they are read; the others come after."""


def _in_order(fields: Fields) -> Fields:
    return {name: fields[name] for name in (*ORDER, *(name for name in fields if name not in ORDER)) if name in fields}


# ---- kinds of states ---------------------------------------------------------------------------------------------


def task(
    name: str,
    comment: str,
    integration: str,
    parameters: Fields,
    *,
    retry: Retry,
    catch: Sequence[Catch] = (),
    select: Fields | None = None,
    into: str | None = None,
    seconds: int = CALL_SECONDS,
    then: str | None = None,
) -> State:
    """Return a state that calls a service (`dynamodb:getItem`, `aws-sdk:lambda:getAlias`).

    Its result goes into a field of the execution's data, whole or as `select` says; without a field it is dropped.
    """
    fields: Fields = {"Type": "Task", "Comment": comment, "Resource": INTEGRATION + integration}
    fields |= {"Parameters": parameters, "ResultPath": into, "TimeoutSeconds": seconds, "Retry": retry}
    if select is not None:
        fields["ResultSelector"] = select
    if catch:
        fields["Catch"] = list(catch)
    return _followed(name, fields, then)


def function(
    name: str,
    comment: str,
    resource: str,
    payload: Fields,
    *,
    answer: Sequence[str],
    into: str,
    seconds: int,
    catch: Sequence[Catch] = (),
    then: str | None = None,
) -> State:
    """Return a state that calls one of our functions, a resource of template.yaml, and keeps fields of its answer.

    `seconds` must be more than the function's own time limit, so that Lambda ends it and says so.
    """
    return task(
        name,
        comment,
        "lambda:invoke",
        {"FunctionName": f"${{{resource}Arn}}", "Payload": payload},
        retry=CALL_FUNCTION,
        catch=catch,
        select={f"{field}.$": f"$.Payload.{field}" for field in answer},
        into=into,
        seconds=seconds,
        then=then,
    )


def set_field(name: str, comment: str, into: str | None, value: Fields, *, then: str | None = None) -> State:
    """Return a state that writes a value into a field of the execution's data; without a field, all of the data."""
    fields: Fields = {"Type": "Pass", "Comment": comment, "Parameters": value}
    if into is not None:
        fields["ResultPath"] = into
    return _followed(name, fields, then)


def set_error(name: str, comment: str, error: str, words: str, *, then: str) -> State:
    """Return a state that puts an error into `$.error`. Both texts may be paths or intrinsic functions."""
    value = _text("Error", error) | _text("Cause", words)
    return set_field(name, comment, "$.error", value, then=then)


def wait(name: str, comment: str, seconds: int | str, *, then: str) -> State:
    """Return a state that waits for seconds, or for as many as a path names."""
    length = {"SecondsPath" if isinstance(seconds, str) else "Seconds": seconds}
    return _followed(name, {"Type": "Wait", "Comment": comment, **length}, then)


def choice(name: str, comment: str, *rules: Fields, otherwise: str) -> State:
    """Return a state that goes on by the first rule whose condition holds."""
    return State(name, {"Type": "Choice", "Comment": comment, "Choices": list(rules), "Default": otherwise})


def succeed(name: str, comment: str, *, output: str) -> State:
    """Return the state that ends an execution well, with a field of its data as the output."""
    return State(name, {"Type": "Succeed", "Comment": comment, "OutputPath": output})


def fail(name: str, comment: str) -> State:
    """Return the state that ends an execution with the error that is in `$.error`."""
    error = {"ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    return State(name, {"Type": "Fail", "Comment": comment, **error})


def _followed(name: str, fields: Fields, then: str | None) -> State:
    return State(name, fields if then is None else {**fields, "Next": then})


def _text(name: str, text: str) -> Fields:
    return {f"{name}.$" if text.startswith(("$.", "States.Format(")) else name: text}


# ---- conditions --------------------------------------------------------------------------------------------------


def when(condition: Fields, then: str) -> Fields:
    """Return the rule of a choice that goes on at a state where a condition holds."""
    return {**condition, "Next": then}


def equals(path: str, text: str) -> Fields:
    """Return the condition that the text at a path is this one."""
    return {"Variable": path, "StringEquals": text}


def same(path: str, other: str) -> Fields:
    """Return the condition that the texts at two paths are equal."""
    return {"Variable": path, "StringEqualsPath": other}


def like(path: str, pattern: str) -> Fields:
    """Return the condition that the text at a path is like a pattern, in which `*` stands for anything."""
    return {"Variable": path, "StringMatches": pattern}


def is_true(path: str) -> Fields:
    """Return the condition that the value at a path is true."""
    return {"Variable": path, "BooleanEquals": True}


def at_least(path: str, number: int) -> Fields:
    """Return the condition that the number at a path is this one or more."""
    return {"Variable": path, "NumericGreaterThanEquals": number}


def present(path: str) -> Fields:
    """Return the condition that something is at a path."""
    return {"Variable": path, "IsPresent": True}


def absent(path: str) -> Fields:
    """Return the condition that nothing is at a path."""
    return {"Variable": path, "IsPresent": False}


def both(*conditions: Fields) -> Fields:
    """Return the condition that all of these hold, looked at in this order."""
    return {"And": list(conditions)}


def either(*conditions: Fields) -> Fields:
    """Return the condition that one of these holds."""
    return {"Or": list(conditions)}


# ---- values ------------------------------------------------------------------------------------------------------


def text(template: str, *paths: str) -> str:
    """Return the intrinsic function that fills a template's `{}` with the values at paths while the execution runs."""
    escaped = template.replace("\\", "\\\\").replace("'", "\\'")
    return f"States.Format('{escaped}', {', '.join(paths)})"
