"""The state machines' definitions hold what AWS, the template and the functions hold."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statemachine.__main__ import DEFINITIONS as SOURCES
from statemachine.layout import to_json
from tests.support.definitions.service_model import has_path, operation, wrong_parameters
from tests.support.definitions.template import load_template

ROOT = Path(__file__).parents[3]
DEFINITIONS = {path.name.split(".")[0]: path for path in (ROOT / "statemachine").glob("*.asl.json")}
INTEGRATION = "arn:${Partition}:states:::"
LAMBDA_INVOKE = INTEGRATION + "lambda:invoke"
OPTIMISED = re.compile(re.escape(INTEGRATION) + r"(?P<service>dynamodb|states):(?P<action>\w+?)(?P<sync>\.sync:2)?")
SDK = re.compile(re.escape(INTEGRATION) + r"aws-sdk:(?P<service>\w+):(?P<action>\w+)")


def states(machine: str) -> dict[str, dict[str, Any]]:
    return json.loads(DEFINITIONS[machine].read_text())["States"]


ALL_STATES = [(machine, name, state) for machine in DEFINITIONS for name, state in states(machine).items()]
TASKS = [(machine, name, state) for machine, name, state in ALL_STATES if state["Type"] == "Task"]


def ids(rows: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    return [f"{machine}-{name}" for machine, name, _ in rows]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def called(state: dict[str, Any]) -> tuple[str, str] | None:
    """Return service and action of a task that is not a Lambda function's."""
    match = SDK.fullmatch(state["Resource"]) or OPTIMISED.fullmatch(state["Resource"])
    return (match["service"], match["action"]) if match else None


@pytest.mark.parametrize("name", SOURCES)
def test_what_aws_takes_is_what_the_source_says(name: str) -> None:
    written = (ROOT / "statemachine" / name).read_text()

    assert written == to_json(SOURCES[name]), f"{name} differs from its source: run `make definitions`"


def test_every_definition_has_a_source() -> None:
    assert {path.name for path in DEFINITIONS.values()} == set(SOURCES)


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_statelint_finds_nothing(machine: str) -> None:
    statelint = Path(sys.executable).with_name("statelint")
    done = subprocess.run(
        [statelint, "--ignore=FLOAT", DEFINITIONS[machine]], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("machine", "name", "state"), TASKS, ids=ids(TASKS))
def test_every_task_has_a_time_limit_retries_by_name_and_a_catch(machine: str, name: str, state: dict) -> None:
    assert state["TimeoutSeconds"] > 0
    assert state["Retry"]
    assert all(retry["MaxAttempts"] > 0 and "States.ALL" not in retry["ErrorEquals"] for retry in state["Retry"])
    assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize(("machine", "name", "state"), ALL_STATES, ids=ids(ALL_STATES))
def test_every_state_explains_itself_and_every_choice_has_a_default(machine: str, name: str, state: dict) -> None:
    assert len(state["Comment"]) > 10
    assert state["Type"] != "Choice" or "Default" in state


SERVICE_TASKS = [row for row in TASKS if row[2]["Resource"] != LAMBDA_INVOKE]


@pytest.mark.parametrize(("machine", "name", "state"), SERVICE_TASKS, ids=ids(SERVICE_TASKS))
def test_every_call_of_a_service_is_one_that_aws_has(machine: str, name: str, state: dict) -> None:
    service, action = called(state)
    model = operation(service, action)

    parameters = dict(state["Parameters"])
    if action == "startExecution":  # the optimised integration takes Input as an object
        parameters.pop("Input.$")
    assert wrong_parameters(model.input_shape, parameters, name) == []


def result_fields(state: dict[str, Any], machine: str) -> Iterator[list[str]]:
    """Yield the path of each field that is read from a service task's result, by its selector or by later states."""
    if "ResultSelector" in state:
        for path in strings(state["ResultSelector"]):
            yield path.removeprefix("$.").split(".")
    elif state.get("ResultPath"):
        where = re.escape(state["ResultPath"])
        for other in states(machine).values():
            for text in strings({**other, "ResultPath": ""}):
                for match in re.finditer(rf"{where}\.([A-Za-z0-9_.]+)", text):
                    yield match[1].rstrip(".").split(".")


@pytest.mark.parametrize(("machine", "name", "state"), SERVICE_TASKS, ids=ids(SERVICE_TASKS))
def test_every_field_that_is_read_from_a_result_is_in_it(machine: str, name: str, state: dict) -> None:
    service, action = called(state)
    output = operation(service, "describeExecution" if state["Resource"].endswith(".sync:2") else action).output_shape

    unknown = [path for path in result_fields(state, machine) if not has_path(output, path)]

    assert unknown == []


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_what_is_read_of_a_selected_result_was_selected(machine: str) -> None:
    selected: dict[str, set[str]] = {}
    for state in states(machine).values():
        if state.get("ResultPath") and state.get("ResultPath") != "$":
            keys = {key.removesuffix(".$") for key in state.get("ResultSelector") or state.get("Parameters") or {}}
            whole = state["Type"] == "Task" and "ResultSelector" not in state
            selected.setdefault(state["ResultPath"], set()).update({"*"} if whole else keys)
    texts = list(strings(states(machine)))
    read = {
        (match[1], match[2])
        for text in texts
        for match in re.finditer(r"(?<![$\w])(\$\.[a-z_]+)\.([A-Za-z0-9_]+)", text)
        if match[1] in selected
    }

    missing = {f"{place}.{field}" for place, field in read if not selected[place] & {field, "*"}}

    assert missing - {"$.error.Error", "$.error.Cause"} == set()


LAMBDA_TASKS = [row for row in TASKS if row[2]["Resource"] == LAMBDA_INVOKE]


@pytest.mark.parametrize(("machine", "name", "state"), LAMBDA_TASKS, ids=ids(LAMBDA_TASKS))
def test_state_resource_and_folder_are_spelt_alike(machine: str, name: str, state: dict) -> None:
    resource = re.fullmatch(r"\$\{(\w+)Arn\}", state["Parameters"]["FunctionName"])[1]
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", resource.removesuffix("Function")).lower()

    words = re.findall(r"[A-Z][a-z]*", name)
    properties = load_template()["Resources"][resource]["Properties"]

    assert properties["CodeUri"] == f"functions/{folder}/"
    assert (ROOT / "functions" / folder / "app.py").is_file()
    assert set(folder.title().split("_")) <= set(words)


@pytest.mark.parametrize(("machine", "name", "state"), LAMBDA_TASKS, ids=ids(LAMBDA_TASKS))
def test_a_function_that_takes_too_long_is_ended_by_lambda_which_says_so(machine: str, name: str, state: dict) -> None:
    template = load_template()
    resource = re.fullmatch(r"\$\{(\w+)Arn\}", state["Parameters"]["FunctionName"])[1]
    default = template["Globals"]["Function"]["Timeout"]

    assert state["TimeoutSeconds"] > template["Resources"][resource]["Properties"].get("Timeout", default)


def test_on_every_way_to_a_failure_traffic_comes_first() -> None:
    publish = states("publish_model")
    leaving = {
        "WasTrafficOffered",
        "AliasMissing",
        "FunctionChanged",
        "FunctionUpdateFailed",
        "SnapshotFailed",
        "LeaseLost",
    }
    branch = list(publish)[list(publish).index("WasTrafficOffered") :]
    before = {name: state for name, state in publish.items() if name not in branch}

    caught = {
        rule["Next"]
        for state in before.values()
        for rule in state.get("Catch", [])
        if rule["ErrorEquals"] == ["States.ALL"]
    }

    assert caught - {"ReleaseLease", "PublishSucceeded"} == {"WasTrafficOffered"}
    assert {publish[name]["Next"] for name in leaving - {"WasTrafficOffered"}} == {"WasTrafficOffered"}


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_a_definition_is_for_every_partition(machine: str) -> None:
    assert [text for text in strings(states(machine)) if "arn:aws" in text] == []


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_the_template_gives_exactly_the_substitutions_that_are_used(machine: str) -> None:
    used = set(re.findall(r"\$\{(\w+)\}", DEFINITIONS[machine].read_text()))
    given = [
        resource["Properties"]["DefinitionSubstitutions"]
        for resource in load_template()["Resources"].values()
        if resource["Properties"].get("DefinitionUri") == f"statemachine/{machine}.asl.json"
    ]

    assert [set(each) for each in given] == [used]


def test_every_error_name_that_is_caught_or_raised_is_ours_or_aws() -> None:
    from model_tools import errors

    ours = {name for name in vars(errors) if name[0].isupper()}
    prefixes = ("States.", "Lambda.", "DynamoDB.", "DynamoDb.", "Sfn.", "StepFunctions.")
    named = {
        error
        for _, _, state in ALL_STATES
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    } | {state["Parameters"]["Error"] for _, _, state in ALL_STATES if "Error" in state.get("Parameters", {})}

    assert {error for error in named if error not in ours and not error.startswith(prefixes)} == set()
