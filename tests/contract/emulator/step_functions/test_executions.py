"""StartExecution and DescribeExecution."""

import pytest

from tests.support.emulator.machines import create, output_of, run, start, states

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
