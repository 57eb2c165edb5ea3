"""Lambda's API errors that moto lacks, each with the HTTP status that AWS answers."""

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError

STALE_REVISION = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)
SNAPSHOT_PENDING = (
    "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE."
)

InvalidParameterValue = InvalidParameterValueException


class ResourceConflict(LambdaClientError):
    """Another operation on this resource is in progress, or another resource needs it."""

    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ResourceConflictException", message)


class PreconditionFailed(LambdaClientError):
    """The caller's RevisionId is not the current one."""

    code = 412

    def __init__(self) -> None:
        super().__init__("PreconditionFailedException", STALE_REVISION)


class TooManyRequests(LambdaClientError):
    """Every environment is busy and the queue is full."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


class RequestTooLarge(LambdaClientError):
    """The payload is larger than an invocation may carry."""

    code = 413

    def __init__(self, size: int, invocation_type: str, limit: int) -> None:
        super().__init__(
            "RequestTooLargeException",
            f"{size} byte payload is too large for the {invocation_type} invocation type (limit {limit} bytes)",
        )


class RequestEntityTooLarge(LambdaClientError):
    """The request itself is larger than the API takes."""

    code = 413

    def __init__(self, limit: int) -> None:
        super().__init__(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {limit} bytes: put a zip of more than 50 MB into a bucket and name it there",
        )


class InvalidRequestContent(LambdaClientError):
    """The payload is not JSON."""

    code = 400

    def __init__(self, reason: str) -> None:
        super().__init__(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload: {reason}",
        )


class SnapStartNotReady(LambdaClientError):
    """The version's snapshot is still being taken."""

    code = 409

    def __init__(self) -> None:
        super().__init__("SnapStartNotReadyException", SNAPSHOT_PENDING)


class SnapStartTimeout(LambdaClientError):
    """The after-restore hooks took longer than they may."""

    code = 408

    def __init__(self, seconds: float) -> None:
        super().__init__("SnapStartTimeoutException", f"Restore and after-restore hooks took longer than {seconds:g} s")


class Unsupported(LambdaClientError):
    """AWS can do this and the emulator cannot, so it refuses."""

    code = 400

    def __init__(self, what: str, instead: str) -> None:
        super().__init__("InvalidParameterValueException", f"The emulator does not support {what}: {instead}")


class ServiceFailed(LambdaClientError):
    """The emulator itself has failed."""

    code = 500

    def __init__(self, message: str) -> None:
        super().__init__("ServiceException", message)
