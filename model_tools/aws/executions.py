"""Step Functions: executions of a state machine, their status and their history."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from model_tools.aws.faults import CallRefused, ErrorPolicy, Meaning, code_of

if TYPE_CHECKING:  # the layer of the workflow's functions has no model_tools.workflow
    from model_tools.workflow.history import ExecutionStatus, HistoryEvent

PAGE = 200
"""Events of one page of a history."""
NO_EXECUTION = ("ExecutionDoesNotExist", "InvalidArn")
"""Codes for an execution that is not there, or whose ARN cannot be one."""


@dataclass(frozen=True)
class Execution:
    """An execution as a whole, as Step Functions describes it."""

    arn: str
    name: str
    status: "ExecutionStatus"
    started: float
    """Seconds since the epoch."""
    output: str | None = None
    error: str | None = None
    cause: str | None = None


def execution_status(client: Any, arn: str, *, errors: ErrorPolicy) -> str | None:
    """Return the status of an execution of any state machine; None when there is no such execution."""
    with errors(f"reading the status of {arn}"):
        try:
            return cast("str", client.describe_execution(executionArn=arn)["status"])
        except ClientError as error:
            if code_of(error) not in NO_EXECUTION:
                raise
            return None


class Executions:
    """The executions of one state machine through one boto3 client."""

    def __init__(self, client: Any, state_machine_arn: str, *, errors: ErrorPolicy) -> None:
        self._states = client
        self._machine = state_machine_arn
        self._explained = errors

    def arn_of(self, execution: str) -> str:
        """Return the ARN of an execution that is named by its name or by its ARN."""
        if execution.startswith("arn:"):
            return execution
        return f"{self._machine.replace(':stateMachine:', ':execution:', 1)}:{execution}"

    def start(self, name: str, given: Mapping[str, object]) -> str:
        """Start an execution and return its ARN. The same name and input again returns the one that is running."""
        meanings = {
            "ExecutionAlreadyExists": Meaning(
                f"An execution named {name!r} exists already, with another input or finished. Choose another --name, "
                f"or see what it did: model-tools watch {name}"
            ),
            "StateMachineDoesNotExist": Meaning(f"{self._machine} does not exist: deploy the stack again."),
        }
        with self._explained(f"starting {name}", meanings):
            answer = self._states.start_execution(stateMachineArn=self._machine, name=name, input=json.dumps(given))
        return cast("str", answer["executionArn"])

    def describe(self, arn: str) -> Execution:
        """Return an execution as it is now. Raises CallRefused when there is none."""
        absent = Meaning(f"There is no execution {arn}. Leave its name out for the newest one.")
        with self._explained("reading the execution", dict.fromkeys(NO_EXECUTION, absent)):
            answer = self._states.describe_execution(executionArn=arn)
        return Execution(
            arn=arn,
            name=answer.get("name") or arn.rpartition(":")[2],
            status=answer["status"],
            started=answer["startDate"].timestamp(),
            output=answer.get("output"),
            error=answer.get("error"),
            cause=answer.get("cause"),
        )

    def newest(self) -> str:
        """Return the ARN of the execution that was started last. Raises CallRefused when there is none."""
        with self._explained("listing the executions"):
            found = self._states.list_executions(stateMachineArn=self._machine, maxResults=100)["executions"]
        if not found:
            raise CallRefused("Nothing was published yet: start with `model-tools publish FOLDER`.")
        return cast("str", max(found, key=lambda execution: execution["startDate"])["executionArn"])

    def events_after(self, arn: str, event_id: int) -> "list[HistoryEvent]":
        """Return the events that follow a known one, newest first, reading no more pages than hold them."""
        events: list[HistoryEvent] = []
        request: dict[str, object] = {"executionArn": arn, "reverseOrder": True, "maxResults": PAGE}
        while True:
            with self._explained("reading the execution's history"):
                page = self._states.get_execution_history(**request, includeExecutionData=True)
            events += [
                {**event, "timestamp": event["timestamp"].timestamp()}
                for event in page["events"]
                if event["id"] > event_id
            ]
            oldest = min((event["id"] for event in page["events"]), default=0)
            if "nextToken" not in page or oldest <= event_id + 1:
                return events
            request["nextToken"] = page["nextToken"]
