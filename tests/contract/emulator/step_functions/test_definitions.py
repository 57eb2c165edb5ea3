"""Creating, updating and reading state machines."""

import json

import pytest

from tests.support.emulator.machines import ROLE, create, start, states

DONE = states("Done", Done={"Type": "Succeed"})


WAIT = states("Wait", Wait={"Type": "Wait", "Seconds": 1000000, "End": True})


@pytest.fixture
def sfn(aws):
    return aws.client("stepfunctions")


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
