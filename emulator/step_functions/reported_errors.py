"""The names of errors that a definition reports, such as a Fail state that passes on a caught error.

moto refuses names that begin with `States.` there, so an execution could not report a timeout.
"""

from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.fail import state_fail

from emulator.repairing import replace


def repair() -> None:
    """Accept every name where an error is reported. In ErrorEquals moto's check stays."""
    for module in (state_fail, branches_decl, state_task_service_callback):
        replace(module, CustomErrorName=ErrorName)
