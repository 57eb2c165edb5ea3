"""Starting and stopping moto's interpreter with all its repairs."""

import logging
from functools import cache
from typing import Any, cast

from moto.core.config import default_user_config
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from emulator.step_functions import (
    api_errors,
    choice,
    clients,
    context_object,
    definitions,
    error_matching,
    error_names,
    executions,
    heartbeat,
    history,
    lambda_tasks,
    nested_executions,
    payload_limit,
    reported_errors,
    sdk_integrations,
    stopping,
    task_tokens,
    time_scale,
)
from emulator.step_functions.settings import InterpreterSettings

_REPAIRS = (
    api_errors,
    choice,
    clients,
    context_object,
    definitions,
    error_matching,
    heartbeat,  # before error_names, which wraps its replacement
    error_names,
    executions,
    history,
    lambda_tasks,
    nested_executions,
    payload_limit,
    reported_errors,
    sdk_integrations,
    stopping,
    task_tokens,
    time_scale,
)


class Interpreter:
    """A running interpreter. `close()` ends every execution."""

    def close(self) -> None:
        """Stop all executions. Safe to call twice."""
        for _, _, backend in list(stepfunctions_parser_backends.iter_backends()):
            machines: list[Any] = cast("StepFunctionsParserBackend", backend).state_machines
            for machine in machines:
                for execution in list(machine.executions):
                    if execution.status == "RUNNING":
                        stopping.stop(execution, error="Emulator.Stopped", cause="the emulator was stopped")
        TMP_THREADS.clear()  # moto keeps every thread that it has started
        clients.forget()


@cache
def _repair_moto() -> None:
    for concern in _REPAIRS:
        concern.repair()
    # The history of an execution has its failed states; moto logs them as its own errors.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)


def start_step_functions(settings: InterpreterSettings) -> Interpreter:
    """Repair moto's interpreter, once a process, and use `settings` from now on."""
    # without it moto keeps definitions and executes none
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    settings.activate()
    _repair_moto()
    return Interpreter()
