"""One failed call, told to the workflow and to a person."""

import pytest
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from model_tools.aws.faults import TRANSIENT_CODES, CallFailed, CallRefused, Meaning, for_people, for_workflow
from model_tools.errors import ModelNotFound, ServiceUnavailable


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no such thing"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "GetObject",
    )


PASSING = {
    **{code: client_error(code) for code in sorted(TRANSIENT_CODES)},
    "an error of the server with an unknown code": client_error("SomethingNew", 500),
    "no connection": EndpointConnectionError(endpoint_url="http://x"),
    "a slow connection": ConnectTimeoutError(endpoint_url="http://x"),
    "a slow answer": ReadTimeoutError(endpoint_url="http://x"),
    "half an answer": IncompleteReadError(actual_bytes=1, expected_bytes=2),
    "a download given up": RetriesExceededError(OSError("connection reset")),
    "an upload given up": S3UploadFailedError("connection reset"),
}
MEANINGS = {"NoSuchKey": Meaning("it is not there", ModelNotFound), "NoSuchThing": Meaning("deploy the stack")}


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_what_passes_by_itself_is_tried_again_by_the_workflow_and_told_to_people_as_no_fault_of_theirs(
    error: Exception,
) -> None:
    with pytest.raises(ServiceUnavailable, match="reading it"), for_workflow("reading it"):
        raise error
    with pytest.raises(CallFailed, match="reading it"), for_people("reading it"):
        raise error


def test_one_restore_that_is_too_slow_is_asked_again() -> None:
    with pytest.raises(ServiceUnavailable), for_workflow("asking"):
        raise client_error("SnapStartTimeoutException", 408)


def test_a_code_with_a_meaning_is_raised_as_that() -> None:
    with pytest.raises(ModelNotFound, match="it is not there"), for_workflow("reading it", MEANINGS):
        raise client_error("NoSuchKey", 404)
    with pytest.raises(CallRefused, match="it is not there"), for_people("reading it", MEANINGS):
        raise client_error("NoSuchKey", 404)


def test_a_meaning_that_is_no_error_of_a_publication_is_for_people_only() -> None:
    with pytest.raises(ClientError, match="NoSuchThing"), for_workflow("reading it", MEANINGS):
        raise client_error("NoSuchThing", 404)
    with pytest.raises(CallRefused, match="deploy the stack"), for_people("reading it", MEANINGS):
        raise client_error("NoSuchThing", 404)


def test_other_codes_come_to_the_workflow_as_they_are() -> None:
    with pytest.raises(ClientError, match="AccessDenied"), for_workflow("reading it"):
        raise client_error("AccessDenied", 403)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ExpiredTokenException", "Sign in again"),
        ("AccessDeniedException", "permission denied"),
        ("InvalidParameterValueException", "no such thing"),
    ],
)
def test_people_are_told_other_codes_with_what_to_do(code: str, told: str) -> None:
    with pytest.raises(CallRefused, match=told), for_people("reading it"):
        raise client_error(code)


def test_a_permission_that_is_missing_is_told_to_people_also_where_it_may_mean_something_else() -> None:
    meanings = {"AccessDenied": Meaning("it is not there", ModelNotFound)}

    with pytest.raises(ModelNotFound), for_workflow("reading it", meanings):
        raise client_error("AccessDenied", 403)
    with pytest.raises(CallRefused, match="permission denied"), for_people("reading it", meanings):
        raise client_error("AccessDenied", 403)


def test_people_without_credentials_are_told_how_to_sign_in() -> None:
    with pytest.raises(CallRefused, match="aws sso login"), for_people("reading it"):
        raise NoCredentialsError
