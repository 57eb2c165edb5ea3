"""Tiny state machines, and the executions that tests start with them."""

import itertools
import json

from tests.support.emulator.waiting import wait_until

ROLE = "arn:aws:iam::123456789012:role/machine"
_number = itertools.count(1)


def states(start, /, **by_name):
    return {"StartAt": start, "States": by_name}


def task(resource, parameters=None, /, **fields):
    return {"Type": "Task", "Resource": resource, "Parameters": parameters or {}, "End": True, **fields}


def create(aws, definition, *, name=None):
    answer = aws.client("stepfunctions").create_state_machine(
        name=name or f"machine-{next(_number)}", definition=json.dumps(definition), roleArn=ROLE
    )
    return answer["stateMachineArn"]


def start(aws, definition, execution_input=None, **arguments):
    arn = definition if isinstance(definition, str) else create(aws, definition)
    return aws.client("stepfunctions").start_execution(
        stateMachineArn=arn,
        input=json.dumps(execution_input if execution_input is not None else {}, ensure_ascii=False),
        **arguments,
    )["executionArn"]


def finished(aws, arn):
    def describe():
        answer = aws.client("stepfunctions").describe_execution(executionArn=arn)
        return answer if answer["status"] != "RUNNING" else None

    return wait_until(describe, f"the end of {arn}")


def run(aws, definition, execution_input=None):
    return finished(aws, start(aws, definition, execution_input))


def output_of(aws, definition, execution_input=None):
    answer = run(aws, definition, execution_input)
    assert answer["status"] == "SUCCEEDED", answer
    return json.loads(answer["output"])


def failure_of(aws, definition, execution_input=None):
    answer = run(aws, definition, execution_input)
    assert answer["status"] == "FAILED", answer
    return answer.get("error"), answer.get("cause")


def history(aws, arn, **arguments):
    return aws.client("stepfunctions").get_execution_history(executionArn=arn, **arguments)


PASS = states("Done", Done={"Type": "Pass", "End": True})


def inputs_of(aws, machine):
    """Return the inputs of all executions of a machine."""
    sfn = aws.client("stepfunctions")
    listed = sfn.list_executions(stateMachineArn=machine)["executions"]
    return [json.loads(sfn.describe_execution(executionArn=item["executionArn"])["input"]) for item in listed]


def first_input(aws, machine):
    """Wait until an execution of the machine was started, and return its input."""
    return wait_until(lambda: inputs_of(aws, machine), "an execution")[0]
