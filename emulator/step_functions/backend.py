"""The executions of moto's interpreter, by their own type.

moto declares its responses with the type of the backend that only keeps definitions; the emulator always switches the
one on that executes them.
"""

from typing import cast

from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse


def backend_of(response: StepFunctionResponse) -> StepFunctionsParserBackend:
    """Return the backend of the request's account and region."""
    return cast("StepFunctionsParserBackend", response.stepfunction_backend)


def execution_of(response: StepFunctionResponse) -> Execution:
    """Return the execution whose ARN the request names; raises ExecutionDoesNotExist."""
    execution: object = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    return cast("Execution", execution)
