"""States that start another execution and wait for its end: `startExecution.sync` and `.sync:2`.

moto polls twice a second whatever the time scale is, returns the child's dates as text, and does not stop the child
when its parent is stopped or times out.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)

from emulator.repairing import replace
from emulator.step_functions.clients import client_for
from emulator.step_functions.failure_events import failure_event
from emulator.step_functions.sdk_integrations import to_json_value

_POLL_SECONDS = 0.05


def child_description(answer: dict[str, Any], *, parse: bool) -> dict[str, Any]:
    """Return the child's description as the parent gets it. `parse` (`.sync:2`) makes Input and Output JSON values."""
    described = {key[0].upper() + key[1:]: value for key, value in answer.items() if key != "ResponseMetadata"}
    if parse:
        described |= {key: json.loads(described[key]) for key in ("Input", "Output") if key in described}
    plain: dict[str, Any] = to_json_value(described, epoch_milliseconds=True)
    return plain


def _child_failed(task: StateTaskServiceSfn, env: Any, child: dict[str, Any]) -> FailureEventException:
    kind = StatesErrorNameType.StatesTaskFailed
    return FailureEventException(
        failure_event(
            env,
            StatesErrorName(typ=kind),
            HistoryEventType.TaskFailed,
            taskFailedEventDetails=TaskFailedEventDetails(
                resource=task._get_sfn_resource(),
                resourceType=task._get_sfn_resource_type(),
                error=kind.to_name(),
                cause=json.dumps(child, separators=(",", ":")),
            ),
        )
    )


def _resolver(*, parse: bool) -> Callable[..., Callable[[], Any]]:
    def build(
        self: StateTaskServiceSfn,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],  # noqa: ARG001 - moto's signature
        state_credentials: Any,
    ) -> Callable[[], Any]:
        client = client_for(resource_runtime_part.region, "stepfunctions", state_credentials)
        submitted = env.stack.pop()
        env.emulator_child = (client, submitted["ExecutionArn"])

        def resolve() -> Any:
            answer = client.describe_execution(executionArn=submitted["ExecutionArn"])
            if answer["status"] == "RUNNING":
                return None
            if answer["status"] != "SUCCEEDED":
                # The cause is text, and the child's output is text in it.
                raise _child_failed(self, env, child_description(answer, parse=False))
            return child_description(answer, parse=parse)

        return resolve

    return build


def _eval_sync(self: Any, env: Any, sync_resolver: Callable[[], Any], **arguments: Any) -> Any:
    outcome = _moto_eval_sync(self, env=env, sync_resolver=sync_resolver, **arguments)
    if outcome is None and isinstance(self, StateTaskServiceSfn):
        client, child = env.emulator_child
        client.stop_execution(executionArn=child, error="States.Aborted", cause="the parent no longer waits")
    return outcome


_moto_eval_sync = state_task_service_callback.StateTaskServiceCallback._eval_sync


def repair() -> None:
    """Replace both ways of waiting for a child."""
    replace(
        StateTaskServiceSfn,
        _build_sync_resolver=_resolver(parse=False),
        _build_sync2_resolver=_resolver(parse=True),
    )
    replace(state_task_service_callback.StateTaskServiceCallback, _eval_sync=_eval_sync)
    replace(state_task_service_callback, _DELAY_SECONDS_SYNC_CONDITION_CHECK=_POLL_SECONDS)
