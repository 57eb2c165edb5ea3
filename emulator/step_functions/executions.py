"""StartExecution, DescribeExecution and StopExecution.

moto starts executions with the name `None`, accepts any name and any size of input, forgets the reason why an execution
was stopped, and answers an output that is text without its quotes.
"""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidName, ValidationException
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.repairing import replace
from emulator.step_functions import stopping
from emulator.step_functions.backend import execution_of
from emulator.step_functions.payload_limit import MAX_BYTES

_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


def describe(execution: Execution) -> dict[str, Any]:
    """Return the answer of DescribeExecution."""
    answer: dict[str, Any] = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": 0,
    }
    if execution.status != "RUNNING":
        answer["stopDate"] = execution.stop_date
    if execution.status == "SUCCEEDED":
        answer["output"] = json.dumps(execution.output, separators=(",", ":"), ensure_ascii=False)
        answer["outputDetails"] = {"included": True}
    if execution.error is not None:
        answer["error"] = execution.error
    if execution.cause is not None:
        answer["cause"] = execution.cause
    return answer


def _describe_execution(self: StepFunctionResponse) -> ActionResult:
    return ActionResult(describe(execution_of(self)))


def _stop_execution(self: StepFunctionResponse) -> ActionResult:
    execution = execution_of(self)
    stopping.stop(execution, error=self._get_param("error"), cause=self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


def repair() -> None:
    """Replace the operations. moto still starts the execution."""
    start: Callable[..., Execution] = StepFunctionsParserBackend.start_execution

    def start_execution(
        self: StepFunctionsParserBackend,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Execution:
        if name is not None and not _NAME.fullmatch(name):
            raise InvalidName(f"Invalid Name: '{name}'")
        if execution_input is not None and len(execution_input.encode()) > MAX_BYTES:
            raise ValidationException(
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_BYTES}"
            )
        return start(self, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header)

    replace(StepFunctionsParserBackend, start_execution=start_execution)
    replace(StepFunctionResponse, describe_execution=_describe_execution, stop_execution=_stop_execution)
