"""SendTaskFailure and SendTaskSuccess. moto drops the cause of a failure, and accepts an output that is not JSON."""

import json

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.repairing import replace
from emulator.step_functions.backend import backend_of


class InvalidOutput(AWSError):
    """The output of a task is not JSON."""

    TYPE = "InvalidOutput"
    STATUS = 400


def _send_task_failure(self: StepFunctionResponse) -> EmptyResult:
    backend_of(self).send_task_failure(
        self._get_param("taskToken"), error=self._get_param("error"), cause=self._get_param("cause")
    )
    return EmptyResult()


def _send_task_success(self: StepFunctionResponse) -> EmptyResult:
    output = self._get_param("output")
    try:
        json.loads(output)
    except ValueError as error:
        raise InvalidOutput(f"Invalid Output: '{error}'") from error
    backend_of(self).send_task_success(self._get_param("taskToken"), output)
    return EmptyResult()


def repair() -> None:
    """Replace both operations."""
    replace(StepFunctionResponse, send_task_failure=_send_task_failure, send_task_success=_send_task_success)
