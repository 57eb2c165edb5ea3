"""The API of Step Functions around an execution."""

import json

import pytest

from tests.contract.emulator.machines import ROLE, create, finished, history, output_of, run, start, states

DONE = states("Done", Done={"Type": "Succeed"})
WAIT = states("Wait", Wait={"Type": "Wait", "Seconds": 1000000, "End": True})


@pytest.fixture
def sfn(aws):
    return aws.client("stepfunctions")


def test_an_execution_gets_a_name_of_its_own(aws, sfn):
    machine = create(aws, DONE)
    names = {sfn.describe_execution(executionArn=start(aws, machine))["name"] for _ in range(2)}
    assert len(names) == 2
    assert "None" not in names


def test_the_same_name_and_input_is_the_running_execution(aws, sfn):
    machine = create(aws, WAIT)
    first = start(aws, machine, {"a": 1}, name="publish")
    assert start(aws, machine, {"a": 1}, name="publish") == first
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        start(aws, machine, {"a": 2}, name="publish")
    sfn.stop_execution(executionArn=first)
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        start(aws, machine, {"a": 1}, name="publish")


def test_an_impossible_name_is_refused(aws, sfn):
    with pytest.raises(sfn.exceptions.InvalidName):
        start(aws, create(aws, DONE), name="no spaces")


def test_an_input_of_more_than_256_kib_is_refused(aws, sfn):
    with pytest.raises(sfn.exceptions.ClientError, match="262144"):
        start(aws, create(aws, DONE), {"a": "x" * 262144})


def test_an_output_that_is_text_stays_json(aws):
    assert output_of(aws, states("Say", Say={"Type": "Pass", "Result": "hello", "End": True})) == "hello"


def test_a_timed_out_execution_has_a_stop_date(aws):
    answer = run(aws, {**WAIT, "TimeoutSeconds": 1})
    assert answer["status"] == "TIMED_OUT"
    assert answer["stopDate"] >= answer["startDate"]


def test_a_name_that_exists_with_another_definition_is_refused(aws, sfn):
    arn = create(aws, DONE, name="the-one")
    assert create(aws, DONE, name="the-one") == arn
    with pytest.raises(sfn.exceptions.StateMachineAlreadyExists):
        create(aws, WAIT, name="the-one")
    sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(WAIT))
    assert json.loads(sfn.describe_state_machine(stateMachineArn=arn)["definition"]) == WAIT


def test_an_execution_keeps_the_definition_that_it_was_started_with(aws, sfn):
    machine = create(aws, WAIT)
    arn = start(aws, machine)
    sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(DONE))
    seen = sfn.describe_state_machine_for_execution(executionArn=arn)
    assert json.loads(seen["definition"]) == WAIT
    sfn.stop_execution(executionArn=arn)


@pytest.mark.parametrize("where", ["top", "state"])
def test_jsonata_is_refused_when_the_machine_is_created(sfn, where):
    state = {"Type": "Pass", "End": True}
    definition = states("A", A=state)
    (definition if where == "top" else state)["QueryLanguage"] = "JSONata"
    with pytest.raises(sfn.exceptions.InvalidDefinition, match="JSONata"):
        sfn.create_state_machine(name=f"jsonata-{where}", definition=json.dumps(definition), roleArn=ROLE)


def test_a_broken_definition_is_refused(sfn):
    with pytest.raises(sfn.exceptions.InvalidDefinition):
        sfn.create_state_machine(name="broken", definition='{"StartAt": "A"}', roleArn=ROLE)


def test_history_comes_in_pages_in_both_directions(aws):
    arn = start(aws, states("A", A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "End": True}))
    finished(aws, arn)
    everything = history(aws, arn)["events"]
    assert [event["id"] for event in everything] == [1, 2, 3, 4, 5, 6]
    assert everything[0]["type"] == "ExecutionStarted"

    pages, token = [], {}
    while True:
        page = history(aws, arn, maxResults=4, **token)
        pages.append([event["id"] for event in page["events"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert pages == [[1, 2, 3, 4], [5, 6]]

    last = history(aws, arn, reverseOrder=True, maxResults=1)
    assert last["events"] == everything[-1:]
    assert history(aws, arn, reverseOrder=True, nextToken=last["nextToken"])["events"][0]["id"] == 5


def test_history_can_leave_the_data_out(aws):
    arn = start(aws, states("A", A={"Type": "Pass", "End": True}), {"secret": 1})
    finished(aws, arn)
    assert "secret" in json.dumps(history(aws, arn), default=str)
    assert "secret" not in json.dumps(history(aws, arn, includeExecutionData=False), default=str)
