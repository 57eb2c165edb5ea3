"""The names of failed calls to services, as `Retry`, `Catch` and the history have them.

moto names SDK integrations in lower case, hides every failed call of a Lambda ARN behind `Exception`, and turns a
broken connection into `States.Runtime`, which nothing can catch.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import HistoryEventType, LambdaFunctionFailedEventDetails, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_dynamodb import (
    StateTaskServiceDynamoDB,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_events import (
    StateTaskServiceEvents,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sns import (
    StateTaskServiceSns,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sqs import (
    StateTaskServiceSqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda

from emulator.repairing import replace
from emulator.step_functions.failure_events import failure_event


@dataclass(frozen=True)
class ErrorFamily:
    """The names of the errors of one integration."""

    prefix: str
    """The part before the dot."""
    unmodelled: str
    """The name of errors that the service's API does not list, such as a denied access."""
    service: str
    """The name of the service in the cause."""


_LAMBDA = ErrorFamily("Lambda", "AWSLambdaException", "AWSLambda")
_OPTIMISED: dict[type[StateTask], ErrorFamily] = {
    StateTaskLambda: _LAMBDA,
    StateTaskServiceLambda: _LAMBDA,
    StateTaskServiceDynamoDB: ErrorFamily("DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"),
    StateTaskServiceSfn: ErrorFamily("StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions"),
    StateTaskServiceEvents: ErrorFamily("EventBridge", "AmazonEventBridgeException", "AmazonEventBridge"),
    StateTaskServiceSns: ErrorFamily("SNS", "AmazonSNSException", "AmazonSNS"),
    StateTaskServiceSqs: ErrorFamily("SQS", "AmazonSQSException", "AmazonSQS"),
}
_JAVA_NAMES = {
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "dynamodb": "DynamoDb",
    "eventbridge": "EventBridge",
    "sagemaker": "SageMaker",
    "secretsmanager": "SecretsManager",
}
"""Names of services in SDK integrations, which are those of AWS's SDK for Java."""


def error_family(task: Any) -> ErrorFamily:
    """Return the error names of a task's integration."""
    if isinstance(task, StateTaskServiceAwsSdk):
        api = task.resource.api_name.lower()
        name = _JAVA_NAMES.get(api, api.capitalize())
        return ErrorFamily(name, f"{name}Exception", name)
    return _OPTIMISED[type(task)]


def error_name(family: ErrorFamily, error: Exception) -> str:
    """Return the name of a failed call, e.g. `Lambda.ResourceConflictException`."""
    if not isinstance(error, ClientError):
        return f"{family.prefix}.SdkClientException"  # there was no answer
    if type(error) is ClientError:
        return f"{family.prefix}.{family.unmodelled}"
    modelled = type(error).__name__
    return f"{family.prefix}.{modelled}" if modelled.endswith("Exception") else f"{family.prefix}.{modelled}Exception"


def error_cause(family: ErrorFamily, error: Exception, *, sdk_integration: bool) -> str:
    """Return the cause in the words of Step Functions: the service's message, its name, the status and the request."""
    if not isinstance(error, ClientError):
        return str(error)
    answer = error.response
    metadata = answer.get("ResponseMetadata", {})
    message = answer["Error"].get("Message", "")
    status, request_id = metadata.get("HTTPStatusCode", 0), metadata.get("RequestId", "")
    if sdk_integration:
        return f"{message} (Service: {family.service}, Status Code: {status}, Request ID: {request_id})"
    code = answer["Error"].get("Code", "")
    return (
        f"{message} (Service: {family.service}; Status Code: {status}; Error Code: {code}; "
        f"Request ID: {request_id}; Proxy: null)"
    )


def task_failure_event(task: Any, env: Any, name: str, cause: str) -> FailureEvent:
    """Return the event of a failed task, which is another one for the ARN of a function."""
    error_name = ErrorName(error_name=name)
    if isinstance(task, StateTaskLambda):
        lambda_details = LambdaFunctionFailedEventDetails(error=name, cause=cause)
        return failure_event(
            env, error_name, HistoryEventType.LambdaFunctionFailed, lambdaFunctionFailedEventDetails=lambda_details
        )
    task_details = TaskFailedEventDetails(
        error=name, cause=cause, resource=task._get_sfn_resource(), resourceType=task._get_sfn_resource_type()
    )
    return failure_event(env, error_name, HistoryEventType.TaskFailed, taskFailedEventDetails=task_details)


def repair() -> None:
    """Name failed calls to services. All other errors are moto's."""
    task_classes: list[type[StateTask]] = [StateTaskServiceAwsSdk, *_OPTIMISED]
    for task_class in task_classes:
        _name_calls_of(task_class)


def _name_calls_of(task_class: type[StateTask]) -> None:
    # The method is looked up now, so that a class which inherits it does not call its own replacement.
    # For DynamoDB moto calls every other error a DynamoDB error, timeouts included.
    moto_event = StateTask._from_error if task_class is StateTaskServiceDynamoDB else task_class._from_error

    def _from_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
        if type(self) is not task_class or not isinstance(ex, ClientError | BotoCoreError):
            return moto_event(self, env=env, ex=ex)
        family = error_family(self)
        cause = error_cause(family, ex, sdk_integration=isinstance(self, StateTaskServiceAwsSdk))
        return task_failure_event(self, env, error_name(family, ex), cause)

    replace(task_class, _from_error=_from_error)
