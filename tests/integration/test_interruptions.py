"""What happens in the middle of a publication: lost answers, stopped executions, races, and odd requests."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator.gateway.front_door import Interruption
from tests.integration.conftest import ROOT
from tests.support.integration.models import write_tensor_model
from tests.support.integration.stack import Ended, Stack, took_the_lease_over, until

AT_ONCE = {"strategy": "all-at-once"}
HALF = {"steps": [50], "bake_seconds": 30}
SLOW = {"steps": [50], "bake_seconds": 3600}
GOOD = {"inputs": [[[0.0, 0.0, 0.0, 0.0]], [1]]}
BREAKS_THE_MODEL = {"inputs": [[[0.0, 0.0, 0.0, 0.0]], [99]]}
FOREVER = 10_000
BOOTSTRAP = "1"
KEPT = 3
BUSY = dict.fromkeys(
    ["ReadAlias", "TraceAndPackageModel", "PublishVersion", "ReadSnapshot", "Bake"], "ServiceException"
)
BUSY["RecordRelease"] = "TransactionInProgressException"

UPDATE_CODE = ("lambda", "PUT .*/functions/[^/]+/code")
PUBLISH_VERSION = ("lambda", "POST .*/versions")
READ_ALIAS = ("lambda", "GET .*/aliases/live")
UPDATE_ALIAS = ("lambda", "PUT .*/aliases/live")
UPDATE_LEASE = ("dynamodb", "UpdateItem")
RECORD_RELEASE = ("dynamodb", "TransactWriteItems")
RECORD_FAILURE = ("dynamodb", "PutItem")
READ_RELEASES = ("dynamodb", "Query")
STORE_PIN = ("s3", "PUT .*/pins/.*")
STORE_ARCHIVE = ("s3", "PUT .*/models/.*")
STORE_CODE = ("s3", "PUT .*/functions/.*")


@pytest.fixture(scope="module", autouse=True)
def _something_is_live(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = write_tensor_model(tmp_path_factory.mktemp("models") / "champion", seed=100)
    assert stack.publish(model, rollout=AT_ONCE).status == "SUCCEEDED"


@contextmanager
def interrupted(stack: Stack, *calls: tuple[str, str], **how: Any) -> Iterator[list[Interruption]]:
    with ExitStack() as all_of_them:
        yield [all_of_them.enter_context(stack.emulator.front_door.interrupt(*call, **how)) for call in calls]


def assert_released_once(stack: Stack, ended: Ended, versions_before: set[str]) -> None:
    assert ended.status == "SUCCEEDED", (ended.error, ended.cause)
    version = ended.output["version"]
    assert stack.alias() == (version, {})
    assert stack.versions() - versions_before == {version}
    assert stack.record("live")["version"] == version
    assert stack.record(f"release#{ended.name}")["status"] == "RELEASED"
    assert stack.lease_is_free()


def answers(stack: Stack) -> bool:
    answer, _, error = stack.invoke(GOOD)
    return error is None and "output" in answer


def give_traffic_to(stack: Stack, version: str) -> None:
    nobody_else = {"AdditionalVersionWeights": {}}
    stack.lambda_.update_alias(
        FunctionName=stack.function, Name="live", FunctionVersion=version, RoutingConfig=nobody_else
    )


# ---- answers that are lost, and services that are busy -------------------------------------------------------


def test_a_lost_answer_to_any_call_that_changes_something_doubles_nothing(stack: Stack, tmp_path: Path) -> None:
    model, versions = write_tensor_model(tmp_path / "model", seed=101), stack.versions()
    changing = (UPDATE_CODE, PUBLISH_VERSION, UPDATE_ALIAS, UPDATE_LEASE, RECORD_RELEASE)

    with (
        interrupted(stack, *changing, STORE_PIN, STORE_ARCHIVE, STORE_CODE) as first,
        interrupted(stack, UPDATE_ALIAS, skip=1) as last_shift,  # after the refused repetition of the first
        interrupted(stack, UPDATE_LEASE, skip=3) as release_of_the_lease,  # after its repetition and two shifts
    ):
        ended = stack.publish(model, rollout=HALF)

    assert_released_once(stack, ended, versions)
    assert [each.left for each in (*first, *last_shift, *release_of_the_lease)] == [0] * 10


def test_busy_services_are_asked_again(stack: Stack, tmp_path: Path) -> None:
    model, versions = write_tensor_model(tmp_path / "model", seed=103), stack.versions()

    with (
        interrupted(stack, UPDATE_CODE, UPDATE_ALIAS, error="TooManyRequestsException", times=2) as busy,
        interrupted(stack, PUBLISH_VERSION, error="ServiceException", times=2) as broken,
        interrupted(stack, UPDATE_LEASE, error="TransactionConflictException", times=2) as conflicting,
        interrupted(stack, RECORD_RELEASE, error="TransactionCanceledException") as cancelled,
    ):
        ended = stack.publish(model, rollout=AT_ONCE)

    assert_released_once(stack, ended, versions)
    assert [each.left for each in (*busy, *broken, *conflicting, *cancelled)] == [0] * 5


def test_an_update_of_the_code_that_takes_longer_than_patience_is_waited_for(stack: Stack, tmp_path: Path) -> None:
    model, versions = write_tensor_model(tmp_path / "model", seed=140), stack.versions()

    with (
        interrupted(stack, UPDATE_CODE) as lost,
        interrupted(stack, UPDATE_CODE, error="ResourceConflictException", times=FOREVER),
    ):
        ended = stack.publish(model, rollout=AT_ONCE)

    assert lost[0].left == 0
    assert_released_once(stack, ended, versions)


def test_a_throttle_while_pruning_is_tried_again_and_not_passed_over(stack: Stack, tmp_path: Path) -> None:
    for seed in range(141, 144):
        assert stack.publish(write_tensor_model(tmp_path / str(seed), seed=seed), rollout=AT_ONCE).status == "SUCCEEDED"

    with interrupted(stack, READ_RELEASES, error="ThrottlingException", times=4) as throttled:  # a call asks 3 times
        ended = stack.publish(write_tensor_model(tmp_path / "last", seed=144), rollout=AT_ONCE)

    assert ended.status == "SUCCEEDED", ended.cause
    assert throttled[0].left == 0
    assert stack.versions() == {BOOTSTRAP, *stack.released_versions()[:KEPT]}


# ---- failures of the failure branch --------------------------------------------------------------------------


@contextmanager
def failing_canary(stack: Stack, model: Path) -> Iterator[str]:
    """A publication whose candidate fails a request during its bake, which ends a little later."""
    execution = stack.start(model, rollout={"steps": [50], "bake_seconds": 180})
    stack.wait_for_state(execution, "Bake")
    (candidate,) = stack.alias()[1]
    until(lambda: stack.invoke(BREAKS_THE_MODEL)[1:] == (candidate, "Unhandled"))
    yield execution


def test_traffic_is_back_and_the_lease_is_free_however_busy_the_services_are(stack: Stack, tmp_path: Path) -> None:
    alias, versions = stack.alias(), stack.versions()

    with (
        failing_canary(stack, write_tensor_model(tmp_path / "model", seed=104)) as execution,
        interrupted(stack, UPDATE_ALIAS, error="TooManyRequestsException", times=9) as restore,
        interrupted(stack, RECORD_FAILURE, error="InternalServerError", times=FOREVER),
        interrupted(stack, UPDATE_LEASE) as release,
    ):
        ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", "CanaryFailed"), ended.cause
    assert (restore[0].left, release[0].left) == (0, 0)
    assert (stack.alias(), stack.versions()) == (alias, versions)
    assert stack.lease_is_free()


def test_traffic_that_could_not_be_given_back_is_told_with_the_remedy(stack: Stack, tmp_path: Path) -> None:
    champion, _ = stack.alias()

    with (
        failing_canary(stack, write_tensor_model(tmp_path / "model", seed=105)) as execution,
        interrupted(stack, UPDATE_ALIAS, error="AccessDeniedException", times=FOREVER),
    ):
        ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", "CanaryFailed"), ended.cause
    assert "could not be given back" in ended.cause
    assert f"--name live --function-version {champion}, with a routing-config" in ended.cause
    assert stack.record(f"release#{ended.name}")["cause"] == ended.cause
    assert stack.alias()[1] != {}
    give_traffic_to(stack, champion)


# ---- executions that are stopped -----------------------------------------------------------------------------


def test_wherever_a_publication_is_stopped_traffic_goes_on_and_the_next_one_clears_up(
    stack: Stack, tmp_path: Path
) -> None:
    before = stack.versions()
    stops = {
        "ReadAlias": [READ_ALIAS],
        "TraceAndPackageModel": [],
        "PublishVersion": [PUBLISH_VERSION],
        "ReadSnapshot": [],
        "Bake": [],
        "RecordRelease": [RECORD_RELEASE],
    }

    for seed, (state, held_up_by) in enumerate(stops.items(), start=110):
        model = write_tensor_model(tmp_path / state, seed=seed)
        rollout = SLOW if state == "Bake" else AT_ONCE
        with interrupted(stack, *held_up_by, error=BUSY[state], times=FOREVER):
            execution = stack.start(model, rollout=rollout)
            stack.wait_for_state(execution, state)
            stack.sfn.stop_execution(executionArn=execution)
        assert stack.wait(execution).status == "ABORTED"
        assert answers(stack)
    champion, _ = stack.alias()
    assert champion not in before, "the last one was stopped with all traffic, but not on record"
    ended = stack.publish(write_tensor_model(tmp_path / "next", seed=120), rollout=AT_ONCE)

    assert took_the_lease_over(stack, ended)
    assert_released_once(stack, ended, before)


# ---- several at once, and others' hands ----------------------------------------------------------------------


def test_the_same_checkpoint_twice_behind_another_is_published_once_and_a_deployment_moves_no_traffic(
    stack: Stack, tmp_path: Path
) -> None:
    before = stack.versions()
    baking = stack.start(write_tensor_model(tmp_path / "baking", seed=127), rollout=SLOW)
    stack.wait_for_state(baking, "Bake")
    split = stack.alias()
    uri = stack.upload(write_tensor_model(tmp_path / "waiting", seed=128))
    waiting = [stack.start(uri, rollout=AT_ONCE), stack.start(uri, rollout=AT_ONCE)]

    stack.emulator.deploy(ROOT / "template.yaml")
    for execution in waiting:
        stack.wait_for_state(execution, "WaitForLease")

    assert stack.alias() == split
    assert answers(stack)
    stack.sfn.stop_execution(executionArn=baking)
    ended = [stack.wait(execution) for execution in waiting]
    assert sorted(each.output["status"] for each in ended) == ["ALREADY_LIVE", "LIVE"]
    assert len({each.output["version"] for each in ended}) == 1
    assert stack.versions() - before == {ended[0].output["version"]}
    for execution in waiting:
        waits = seconds_waited(stack, execution)
        assert waits == [60 * number for number in range(1, len(waits) + 1)]


def seconds_waited(stack: Stack, execution: str) -> list[int]:
    """Return how long each wait for the lease was meant to be."""
    pages = stack.sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
    events = [event.get("stateEnteredEventDetails", {"name": ""}) for page in pages for event in page["events"]]
    return [json.loads(event["input"])["lease"]["wait_seconds"] for event in events if event["name"] == "WaitForLease"]


def test_a_publication_whose_lease_is_taken_away_shifts_no_more_traffic(stack: Stack, tmp_path: Path) -> None:
    execution = stack.start(
        write_tensor_model(tmp_path / "model", seed=129), rollout={"steps": [50], "bake_seconds": 120}
    )
    stack.wait_for_state(execution, "Bake")
    split = stack.alias()
    stack.emulator.client("dynamodb").update_item(
        TableName=stack.outputs["RegistryTableName"],
        Key={"function": {"S": stack.function}, "record": {"S": "lease"}},
        UpdateExpression="SET holder = :other ADD fencing_token :one",
        ExpressionAttributeValues={":other": {"S": f"{execution}-of-somebody-else"}, ":one": {"N": "1"}},
    )

    ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", "LeaseLost"), ended.cause
    assert stack.alias() == split
    assert not stack.lease_is_free()
    last = stack.record(f"release#{stack.record('live')['execution']}")
    after = stack.publish(last["model_uri"])
    assert took_the_lease_over(stack, after)
    assert "ClearAbandonedCanary" in after.states
    assert (after.output["status"], stack.alias()) == ("ALREADY_LIVE", (split[0], {}))


def test_a_candidate_that_somebody_deletes_is_a_failure_like_any_other(stack: Stack, tmp_path: Path) -> None:
    alias, versions = stack.alias(), stack.versions()
    execution = stack.start(write_tensor_model(tmp_path / "model", seed=131), rollout=AT_ONCE)
    (candidate,) = until(lambda: stack.versions() - versions)
    stack.lambda_.delete_function(FunctionName=stack.function, Qualifier=candidate)

    ended = stack.wait(execution)

    assert ended.status == "FAILED"
    assert f"{stack.function}:{candidate}" in ended.cause
    assert (stack.alias(), stack.versions()) == (alias, versions)
    assert stack.lease_is_free()
    assert stack.record(f"release#{ended.name}")["cause"] == ended.cause


def test_an_alias_that_somebody_deletes_is_told_with_the_remedy(stack: Stack, tmp_path: Path) -> None:
    (champion, _), versions = stack.alias(), stack.versions()
    execution = stack.start(
        write_tensor_model(tmp_path / "model", seed=132), rollout={"steps": [50], "bake_seconds": 60}
    )
    stack.wait_for_state(execution, "Bake")
    stack.lambda_.delete_alias(FunctionName=stack.function, Name="live")

    during = stack.wait(execution)
    later = stack.publish(write_tensor_model(tmp_path / "next", seed=133), rollout=AT_ONCE)
    stack.lambda_.create_alias(FunctionName=stack.function, Name="live", FunctionVersion=champion)

    for ended in (during, later):
        assert (ended.status, ended.error) == ("FAILED", "AliasChanged"), ended.cause
        assert f"create-alias --function-name {stack.function} --name live" in ended.cause
    assert stack.versions() == versions
    assert stack.lease_is_free()


# ---- odd but legal -------------------------------------------------------------------------------------------


def test_odd_but_legal_requests_are_published(stack: Stack, tmp_path: Path) -> None:
    model = write_tensor_model(tmp_path / "model", seed=134)
    for number in range(290):
        (model / f"note {number} – ünï.txt").write_text(str(number))
    uri = stack.upload(model, "uploads/with spaces and ünïcode/")
    requested_by = """it's "me" {0} {} \\ \n ${x} $.request"""

    ended = stack.publish(uri, rollout={"steps": list(range(1, 21)), "bake_seconds": 0}, requested_by=requested_by)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.states.count("ShiftTraffic") == 21
    assert stack.alias() == (ended.output["version"], {})
    record = stack.record(f"release#{ended.name}")
    assert (record["requested_by"], record["model_uri"]) == (requested_by, uri)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"model_uri": "s3://bucket/m/", "note": 'with "quotes" and {braces}\n' * 5_000}, "note: is not a field"),
        ({"model_uri": "s3://bucket/m/", **{f"field-{n}": "…" for n in range(5_000)}}, "field-0: is not a field"),
    ],
    ids=["a large field", "many fields"],
)
def test_a_large_request_that_is_not_understood_is_on_record_as_it_came(
    stack: Stack, request_: dict[str, Any], told: str
) -> None:
    ended = stack.wait(stack.start_with(request_))

    assert (ended.status, ended.error) == ("FAILED", "RequestInvalid"), ended.cause
    assert told in ended.cause
    assert len(ended.cause) < 10_000
    record = stack.record(f"release#{ended.name}")
    assert record["cause"] == ended.cause
    assert json.loads(record["request"]) == request_


def test_an_error_full_of_quotes_braces_and_lines_reaches_the_record_as_it_is(stack: Stack, tmp_path: Path) -> None:
    model = write_tensor_model(tmp_path / "model", seed=135)
    said = 'a "quoted" {brace} {} \\ back\nand "errorMessage": {"x": 1}'
    (model / "scale.py").write_text(f"raise OSError({said!r} + ' and more' * 20_000)")

    ended = stack.publish(model)

    assert (ended.status, ended.error) == ("FAILED", "TraceFailed"), ended.cause
    assert 'a "quoted" {brace} {} \\ back' in ended.cause
    assert len(ended.cause) < 32_768
    assert stack.record(f"release#{ended.name}")["cause"] == ended.cause


CUT_OFF = '{"errorMessage": "maximum recursion depth exceeded", "stackTrace": ["' + "File x, line 1 " * 2_180


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"Error": "States.Timeout", "Cause": ""}, "took longer than it may"),
        ({"Error": "States.Timeout"}, "took longer than it may"),
        ({"Error": "States.HeartbeatTimeout"}, "gives no cause"),
        ({"Error": "RecursionError", "Cause": CUT_OFF}, CUT_OFF),
        ({"Error": "OSError", "Cause": '{"errorMessage": "{} said \\"no\\"", "stackTrace": []}'}, '{} said "no"'),
    ],
    ids=["timeout", "silent timeout", "no cause", "cut off", "function"],
)
def test_whatever_step_functions_says_of_a_failure_is_recorded(stack: Stack, error: dict[str, str], told: str) -> None:
    """Only the end of the failure branch, as deployed: such errors cannot be had at will."""
    deployed = stack.sfn.describe_state_machine(stateMachineArn=stack.outputs["PublishStateMachineArn"])
    definition = json.dumps(json.loads(deployed["definition"]) | {"StartAt": "ExplainFailure"})
    machine = stack.sfn.create_state_machine(name="explain", definition=definition, roleArn=deployed["roleArn"])
    execution = stack.sfn.start_execution(
        stateMachineArn=machine["stateMachineArn"],
        input=json.dumps({"execution": told[:20], "release": {"id": "unresolved"}, "error": error}),
    )["executionArn"]

    ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", error["Error"])
    assert told in ended.cause
    assert stack.record(f"release#{told[:20]}")["cause"] == ended.cause
