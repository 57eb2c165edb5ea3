"""From what boto3 raises to what an adapter's user understands, by error code and never by message.

There are two users, so there are two policies, and an adapter is given one of them when it is made:

    for_workflow    raises ServiceUnavailable for what passes by itself, so that the state machine tries again, and the
                    publication's own errors (`model_tools.errors`) for the codes that an adapter gives a meaning
    for_people      raises CallRefused where a person can put it right and CallFailed where only time or AWS can,
                    each in words that say what to do next

Both classify a failure by the same tables, which stand here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as ConnectionFailed

from model_tools.errors import PublishError, ServiceUnavailable

TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceException",
        "ServiceUnavailable",
        "SlowDown",
        "SnapStartNotReadyException",
        "SnapStartTimeoutException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
"""Codes of failures that pass by themselves. Every answer with an HTTP status of 500 or more is one as well."""
FIRST_SERVER_ERROR = 500
"""The lowest HTTP status that puts the blame on the service [RFC 9110, 15.6]."""
LOST_CONNECTION = (ConnectionFailed, HTTPClientError, IncompleteReadError, RetriesExceededError, S3UploadFailedError)
"""The exceptions of boto3 for an answer that did not arrive whole. Adapters unwrap an answer of S3 that an
S3UploadFailedError hides."""
DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
"""Codes for a caller that is known but has no permission. A HEAD request of S3 has no code but its HTTP status."""
UNKNOWN_CALLER_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes for credentials that AWS does not know, or no longer accepts."""
MISSING_OBJECT_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
"""Codes for an S3 object that is not there. A HEAD request has no code but its HTTP status."""


class CallRefused(Exception):
    """AWS refused a call for a reason that its caller can put right."""


class CallFailed(Exception):
    """AWS could not be reached, was too busy, or broke."""


@dataclass(frozen=True)
class Meaning:
    """The meaning of an error code at one call of one adapter."""

    words: str
    """The place, the fault and the remedy, in sentences."""
    error: type[PublishError] | None = None
    """The error that ends a publication for it; None leaves the workflow with AWS's own code."""


Meanings = Mapping[str, Meaning]
"""The meanings of error codes at one call."""
NO_MEANINGS: Meanings = MappingProxyType({})


class ErrorPolicy(Protocol):
    """Runs calls to AWS and raises what one audience understands."""

    def __call__(self, action: str, meanings: Meanings = NO_MEANINGS, /) -> AbstractContextManager[None]:
        """Return a context manager for the calls that an action ("reading alias live of digits") consists of."""


@dataclass(frozen=True)
class _Fault:
    """An answer of AWS that refuses a call."""

    code: str
    message: str
    status: int

    @property
    def is_transient(self) -> bool:
        return self.code in TRANSIENT_CODES or self.status >= FIRST_SERVER_ERROR


def code_of(error: ClientError) -> str:
    """Return the error code of an answer of AWS; an empty string when it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def for_workflow(action: str, meanings: Meanings = NO_MEANINGS, /) -> Iterator[None]:
    """Run calls to AWS for the state machine.

    Raises ServiceUnavailable for what passes by itself (throttling, lost connections, 5xx), the error of a code's
    meaning where it has one, and the ClientError as it came for any other code.
    """
    try:
        yield
    except ClientError as error:
        fault = _fault(error)
        meaning = meanings.get(fault.code)
        if meaning is not None and meaning.error is not None:
            raise meaning.error(meaning.words) from error
        if fault.is_transient:
            raise ServiceUnavailable(f"{action}: {fault.code} ({fault.status}); it is tried again") from error
        raise
    except LOST_CONNECTION as error:
        raise ServiceUnavailable(f"{action}: {type(error).__name__}; it is tried again") from error


@contextmanager
def for_people(action: str, meanings: Meanings = NO_MEANINGS, /) -> Iterator[None]:
    """Run calls to AWS for a person.

    Raises CallRefused where the person can put it right, CallFailed for everything else.
    """
    try:
        yield
    except ClientError as error:
        raise _told(action, _fault(error), meanings) from error
    except (NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError) as error:
        raise CallRefused(
            f"{action}: no valid AWS credentials ({error}). Sign in (`aws configure` or `aws sso login`), name a "
            "--profile, or use --local for the emulator on this machine."
        ) from error
    except ProfileNotFound as error:
        raise CallRefused(f"{action}: {error}. `aws configure list-profiles` shows those there are.") from error
    except NoRegionError as error:
        raise CallRefused(f"{action}: no AWS region is set. Give --region, or set AWS_REGION.") from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise CallFailed(
            f"{action}: nothing answers ({error}). Check the endpoint and the network; for the emulator, start it with "
            "`model-tools local up`."
        ) from error
    except LOST_CONNECTION as error:
        raise CallFailed(f"{action}: the connection broke ({error}). Try again.") from error
    except BotoCoreError as error:
        raise CallRefused(f"{action}: {error}") from error


def _told(action: str, fault: _Fault, meanings: Meanings) -> Exception:
    if fault.code in UNKNOWN_CALLER_CODES:
        return CallRefused(
            f"{action}: AWS does not accept the credentials ({fault.code}). Sign in again, or name another --profile."
        )
    if fault.code in DENIED_CODES:
        return CallRefused(
            f"{action}: permission denied ({fault.message or fault.code}). Use a --profile that may, or ask for the "
            "permission."
        )
    if fault.code in meanings:
        return CallRefused(meanings[fault.code].words)
    if fault.is_transient:
        return CallFailed(f"{action}: AWS answered {fault.code} ({fault.status}) each time. Try again in a minute.")
    return CallRefused(f"{action}: {fault.code}: {fault.message}")


def _fault(error: ClientError) -> _Fault:
    return _Fault(
        code=code_of(error),
        message=str(error.response.get("Error", {}).get("Message", "")),
        status=int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)),
    )
