"""Parameters and results of SDK integrations, in the spelling of Step Functions and as plain JSON.

moto leaves both as botocore has them: results have `stateMachineArn` where Step Functions has `StateMachineArn`, and
dates and streams that are not JSON; the parameter `StateMachineArn` is one that botocore does not know.
"""

from datetime import datetime
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)

from emulator.repairing import replace
from emulator.step_functions.context_object import iso_time

_BOTO_NAMES = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
}
"""botocore's names of services, where Step Functions has another name."""

_models: dict[str, dict[str, OperationModel]] = {}


def operation_model(service: str, action: str) -> OperationModel:
    """Return botocore's model of an operation; raises ValueError when the service has no such operation."""
    if service not in _models:
        model = botocore.session.get_session().get_service_model(service)
        _models[service] = {xform_name(name): model.operation_model(name) for name in model.operation_names}
    operation = _models[service].get(action)
    if operation is None:
        raise ValueError(f"the service {service} has no operation {action}")
    return operation


def to_json_value(value: Any, *, epoch_milliseconds: bool = False) -> Any:
    """Return botocore's answer as the JSON value that Step Functions puts into a state's output."""
    if isinstance(value, dict):
        return {key: to_json_value(item, epoch_milliseconds=epoch_milliseconds) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [to_json_value(item, epoch_milliseconds=epoch_milliseconds) for item in value]
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000) if epoch_milliseconds else iso_time(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    return value.read().decode("utf-8", "replace") if hasattr(value, "read") else value


def _normalise_parameters(
    self: StateTaskService,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    service = self._get_boto_service_name(boto_service_name)
    action = self._get_boto_service_action(service_action_name)
    shape = operation_model(service, action).input_shape
    if shape is not None:
        self._to_boto_request(parameters, shape)


def _normalise_response(
    self: StateTaskService,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    service = self._get_boto_service_name(boto_service_name)
    action = self._get_boto_service_action(service_action_name)
    shape = operation_model(service, action).output_shape
    if not isinstance(response, dict):
        return
    if shape is not None:
        self._from_boto_response(response, shape)
    # The optimised integration of Step Functions itself returns dates in milliseconds, all others return text.
    response.update(to_json_value(response, epoch_milliseconds=isinstance(self, StateTaskServiceSfn)))


def _get_boto_service_action(self: StateTaskService, service_action_name: str | None = None) -> str:
    return str(xform_name(service_action_name or self.resource.api_action))


def repair() -> None:
    """Normalise the parameters and results of all service tasks."""
    replace(
        StateTaskService,
        _SERVICE_NAME_SFN_TO_BOTO_OVERRIDES=_BOTO_NAMES,
        _normalise_parameters=_normalise_parameters,
        _normalise_response=_normalise_response,
        _get_boto_service_action=_get_boto_service_action,
    )
    evaluate = StateTaskServiceAwsSdk._eval_service_task

    def evaluate_to_json(self: StateTaskServiceAwsSdk, env: Any, **arguments: Any) -> None:
        # This must happen right after the call, since the interpreter copies its stack and a stream cannot be copied.
        evaluate(self, env, **arguments)
        env.stack.append(to_json_value(env.stack.pop()))

    replace(StateTaskServiceAwsSdk, _eval_service_task=evaluate_to_json)
