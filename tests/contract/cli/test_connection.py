import socket

import pytest
from botocore.exceptions import ClientError

from model_tools.aws.connection import CallFailed, CallRefused, Connection, Target, explained, is_loopback


def test_a_local_endpoint_needs_no_credentials_and_no_region(endpoint, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-does-not-exist")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client = Connection(Target(endpoint), environ={}).client("s3")

    assert client.meta.region_name == "us-east-1"
    assert "Buckets" in client.list_buckets()


def test_credentials_in_the_environment_are_used_locally_as_well(endpoint, monkeypatch):
    keys = {"AWS_ACCESS_KEY_ID": "of-a-role", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    client = Connection(Target(endpoint), environ=keys).client("s3")

    assert client._request_signer._credentials.access_key == "of-a-role"


def test_a_proxy_is_not_asked_for_a_local_endpoint(endpoint, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert "Buckets" in Connection(Target(endpoint), environ={}).client("s3").list_buckets()


def test_an_unknown_profile_is_refused_with_the_way_to_the_known_ones(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(CallRefused, match="list-profiles"):
        Connection(Target(profile="nobody", region="us-east-1"), environ={})


def test_a_missing_region_is_refused_with_the_option_to_give(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    with pytest.raises(CallRefused, match="--region"):
        Connection(Target(), environ={}).client("lambda")


def test_an_endpoint_where_nothing_answers_is_not_the_users_fault():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Connection(Target(f"http://127.0.0.1:{port}"), environ={}).client("lambda", once=True)

    with pytest.raises(CallFailed, match="local up"), explained("reading"):
        client.list_functions()


@pytest.mark.parametrize(
    ("code", "status", "kind", "told"),
    [
        ("ExpiredTokenException", 400, CallRefused, "Sign in again"),
        ("AccessDeniedException", 403, CallRefused, "permission denied"),
        ("ThrottlingException", 400, CallFailed, "Try again"),
        ("Whatever", 503, CallFailed, "503"),
        ("InvalidParameterValueException", 400, CallRefused, "no such thing"),
        ("Known", 404, CallRefused, "deploy the stack"),
    ],
)
def test_what_aws_answers_is_told_by_its_code_with_what_to_do(code, status, kind, told):
    answer = {
        "Error": {"Code": code, "Message": "no such thing"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }

    with pytest.raises(kind, match=told), explained("reading", {"Known": "deploy the stack"}):
        raise ClientError(answer, "GetThing")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://s3.localhost:4566", True),
        ("http://[::1]:4566", True),
        ("https://lambda.us-east-1.amazonaws.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_only_this_machine_is_local(url, local):
    assert is_loopback(url) is local
