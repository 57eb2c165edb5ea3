"""Tasks that invoke a function: the InvocationType, and the names of function errors."""

import json
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import LambdaFunctionErrorException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda

from emulator.repairing import replace
from emulator.step_functions.error_names import task_failure_event


def function_error(payload: str) -> tuple[str, str]:
    """Return the name and the cause of a function error: its type, and the payload of the answer."""
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("errorType"), str):
        return answer["errorType"], payload
    return "Lambda.Unknown", (
        f"The cause could not be determined because Lambda did not return an error type. Returned payload: {payload}"
    )


def repair() -> None:
    """Pass InvocationType on to Lambda, and name every function error."""
    # moto drops it, which makes an `Event` invocation a synchronous one
    state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS["invoke"].add("InvocationType")
    for task_class in (StateTaskServiceLambda, StateTaskLambda):
        _name_function_errors(task_class)


def _name_function_errors(task_class: type[StateTask]) -> None:
    previous = task_class._from_error

    def _from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, LambdaFunctionErrorException):
            return task_failure_event(self, env, *function_error(ex.payload))
        return previous(self, env=env, ex=ex)

    replace(task_class, _from_error=_from_error)
