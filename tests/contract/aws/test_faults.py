import pytest
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import ClientError, EndpointConnectionError, IncompleteReadError, ReadTimeoutError

from model_tools.aws.faults import translated
from model_tools.errors import ModelNotFound, ServiceUnavailable


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(client_error("SlowDown", 503), id="503 slow down"),
        pytest.param(client_error("ThrottlingException"), id="throttled"),
        pytest.param(client_error("SomethingNew", 500), id="500 with an unknown code"),
        pytest.param(EndpointConnectionError(endpoint_url="http://x"), id="no connection"),
        pytest.param(ReadTimeoutError(endpoint_url="http://x"), id="no answer in time"),
        pytest.param(IncompleteReadError(actual_bytes=1, expected_bytes=2), id="an answer that broke off"),
        pytest.param(RetriesExceededError(OSError("connection reset")), id="retries used up"),
    ],
)
def test_what_passes_by_itself_is_service_unavailable(error: Exception) -> None:
    with pytest.raises(ServiceUnavailable, match="reading it"), translated("reading it"):
        raise error


def test_a_known_code_is_raised_as_what_it_means() -> None:
    with pytest.raises(ModelNotFound), translated("reading it", {"NoSuchKey": ModelNotFound("it is not there")}):
        raise client_error("NoSuchKey", 404)


def test_other_codes_come_as_they_are() -> None:
    with pytest.raises(ClientError, match="AccessDenied"), translated("reading it"):
        raise client_error("AccessDenied", 403)
