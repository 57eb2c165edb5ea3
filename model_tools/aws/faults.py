"""From what boto3 raises to what the workflow understands, by code and never by message."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from boto3.exceptions import RetriesExceededError
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as ConnectionFailed

from model_tools.errors import ServiceUnavailable

SERVER_ERROR = 500
TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "RequestTimeout",
        "ServiceException",
        "ServiceUnavailable",
        "SlowDown",
        "SnapStartNotReadyException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
    }
)


@contextmanager
def translated(what: str, known: Mapping[str, Exception] | None = None) -> Iterator[None]:
    """Run calls to AWS; `known` maps error codes to what is raised instead.

    Raises ServiceUnavailable for what passes by itself (throttling, lost connections, 5xx), so that the state machine
    tries again; any other error code as it came.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if known and code in known:
            raise known[code] from error
        if code in TRANSIENT_CODES or status >= SERVER_ERROR:
            raise ServiceUnavailable(f"{what}: {code} ({status}); it is tried again") from error
        raise
    except (ConnectionFailed, HTTPClientError, IncompleteReadError, RetriesExceededError) as error:
        raise ServiceUnavailable(f"{what}: {type(error).__name__}; it is tried again") from error
