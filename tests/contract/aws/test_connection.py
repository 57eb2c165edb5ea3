import socket

import pytest

from model_tools.aws.connection import AwsTarget, Connection, is_loopback
from model_tools.aws.faults import CallFailed, CallRefused, for_people


def test_a_local_endpoint_needs_no_credentials_and_no_region(endpoint, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-does-not-exist")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client = Connection(AwsTarget(endpoint), environ={}).client("s3")

    assert client.meta.region_name == "us-east-1"
    assert "Buckets" in client.list_buckets()


def test_credentials_in_the_environment_are_used_locally_as_well(endpoint, monkeypatch):
    keys = {"AWS_ACCESS_KEY_ID": "of-a-role", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    client = Connection(AwsTarget(endpoint), environ=keys).client("s3")

    assert client._request_signer._credentials.access_key == "of-a-role"


def test_a_proxy_is_not_asked_for_a_local_endpoint(endpoint, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert "Buckets" in Connection(AwsTarget(endpoint), environ={}).client("s3").list_buckets()


def test_an_unknown_profile_is_refused_with_the_way_to_the_known_ones(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(CallRefused, match="list-profiles"):
        Connection(AwsTarget(profile="nobody", region="us-east-1"), environ={})


def test_a_missing_region_is_refused_with_the_option_to_give(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    with pytest.raises(CallRefused, match="--region"):
        Connection(AwsTarget(), environ={}).client("lambda")


def test_an_endpoint_where_nothing_answers_is_not_the_users_fault():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Connection(AwsTarget(f"http://127.0.0.1:{port}"), environ={}).client("lambda", once=True)

    with pytest.raises(CallFailed, match="local up"), for_people("reading"):
        client.list_functions()


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
