import io
import zipfile

import pytest

from model_tools.aws.faults import CallRefused, for_people, for_workflow
from model_tools.aws.functions import LambdaFunction
from model_tools.errors import AliasChanged

ROLE = "arn:aws:iam::123456789012:role/tests"


def function_code() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "def lambda_handler(event, context): return event")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def function(connection):
    connection.client("iam").create_role(RoleName="tests", AssumeRolePolicyDocument="{}")
    client = connection.client("lambda")
    client.create_function(
        FunctionName="inference",
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.lambda_handler",
        Code={"ZipFile": function_code()},
        Publish=True,
    )
    client.create_alias(FunctionName="inference", Name="live", FunctionVersion="1")
    return LambdaFunction(client, "inference", errors=for_people)


def test_an_alias_gives_its_versions_shares(function, connection):
    assert function.shares() == {"1": 1.0}
    connection.client("lambda").update_alias(
        FunctionName="inference", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
    )
    assert function.shares() == {"1": 0.9, "2": 0.1}


def test_an_alias_that_is_not_there_says_how_to_make_it_again(function):
    with pytest.raises(CallRefused, match="create-alias --function-name inference --name staging"):
        function.shares("staging")


class Answering:
    """Lambda, for one invocation: moto runs functions in Docker only."""

    def __init__(self, body: bytes, **answer: str) -> None:
        self.answer = {"Payload": io.BytesIO(body), "ExecutedVersion": "3", **answer}

    def invoke(self, **request: object) -> dict:
        self.request = request
        return self.answer


def test_an_invocation_brings_the_answer_and_the_version_behind_it():
    client = Answering(b'{"class": "seven"}')
    reply = LambdaFunction(None, "inference", errors=for_people, invoking_client=client).invoke(
        {"input": 1}, qualifier="live"
    )

    assert client.request == {"FunctionName": "inference", "Qualifier": "live", "Payload": b'{"input": 1}'}
    assert (reply.payload, reply.executed_version, reply.function_error) == ({"class": "seven"}, "3", None)


def test_a_function_that_failed_brings_its_error():
    reply = LambdaFunction(Answering(b"not json", FunctionError="Unhandled"), "f", errors=for_people).invoke(
        {}, qualifier="3"
    )

    assert (reply.payload, reply.function_error) == ("not json", "Unhandled")


def test_an_alias_that_is_not_there_ends_a_publication_in_the_same_words(connection):
    function = LambdaFunction(connection.client("lambda"), "inference", errors=for_workflow)

    with pytest.raises(AliasChanged, match="create-alias --function-name inference --name staging"):
        function.alias("staging")
