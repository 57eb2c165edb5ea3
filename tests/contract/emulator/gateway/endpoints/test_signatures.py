"""Who may call a Function URL or an HTTP API: signatures over real HTTP."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import Credentials

from tests.support.emulator.http_client import OPERATOR, request


def test_an_unsigned_request_is_turned_away_where_a_signature_is_wanted(urls):
    by_url, by_api = request(urls["LiveUrl"] + "/"), request(urls["ApiUrl"] + "/signed")

    assert (by_url.status, by_url.json) == (403, {"Message": "Forbidden"})
    assert by_url.header("x-amzn-errortype") == "AccessDeniedException"
    assert (by_api.status, by_api.json) == (403, {"message": "Forbidden"})


def test_a_signed_request_is_let_in_and_says_by_whom(urls, aws):
    by_url = request(urls["LiveUrl"] + "/some%20path?b=%20&a=1", service="lambda").json
    by_api = request(urls["ApiUrl"] + "/signed?x=%C3%A4", service="execute-api").json
    role = aws.client("iam").create_role(RoleName="caller", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    taken = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    keys = Credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
    by_role = request(urls["LiveUrl"] + "/", service="lambda", keys=keys).json

    assert by_url["event"]["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::123456789012:root"
    assert by_api["event"]["requestContext"]["authorizer"]["iam"]["accessKey"] == "emulator-operator"
    identity = by_role["event"]["requestContext"]["authorizer"]["iam"]
    assert identity["userArn"] == "arn:aws:sts::123456789012:assumed-role/caller/me"
    assert "authorization" not in by_role["event"]["headers"]


def test_a_users_own_keys_are_known(urls, aws):
    aws.client("iam").create_user(UserName="somebody")
    made = aws.client("iam").create_access_key(UserName="somebody")["AccessKey"]
    right = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    wrong = Credentials(made["AccessKeyId"], "guessed")

    assert request(urls["LiveUrl"] + "/", service="lambda", keys=right).status == 200
    assert request(urls["LiveUrl"] + "/", service="lambda", keys=wrong).status == 403


@pytest.mark.parametrize(
    ("signing", "message"),
    [
        pytest.param({"service": "execute-api"}, "correct service", id="another service"),
        pytest.param({"service": "lambda", "region": "eu-west-1"}, "correct service", id="another region"),
        pytest.param(
            {"service": "lambda", "keys": Credentials(OPERATOR.access_key, "wrong")},
            "signature we calculated",
            id="wrong secret",
        ),
        pytest.param(
            {"service": "lambda", "keys": Credentials(OPERATOR.access_key, OPERATOR.secret_key, "x")},
            "security token",
            id="unknown token",
        ),
    ],
)
def test_a_wrong_signature_is_turned_away(urls, signing, message):
    answer = request(urls["LiveUrl"] + "/", **signing)

    assert answer.status == 403
    assert message in answer.json["Message"]


def test_a_signature_is_for_one_body(urls):
    signed = request(urls["LiveUrl"] + "/", b'{"a": 1}', service="lambda", tamper=b'{"a": 2}')

    assert signed.status == 403


def test_keys_that_the_emulator_has_not_given_out_are_the_operators(urls):
    answer = request(urls["LiveUrl"] + "/", service="lambda", keys=Credentials("local", "local"))

    assert answer.json["event"]["requestContext"]["authorizer"]["iam"]["accessKey"] == "local"


def test_an_old_signature_is_turned_away(urls, monkeypatch):
    for shift, message in ((-6, "expired"), (6, "not yet current")):
        moment = datetime.now(UTC) + timedelta(minutes=shift)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda moment=moment: moment)
        answer = request(urls["LiveUrl"] + "/", service="lambda")

        assert answer.status == 403
        assert message in answer.json["Message"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("user", ["local:local", "emulator-operator:emulator-operator-secret"])
def test_curl_calls_both_by_their_names(urls, user):
    for address, service in ((urls["LiveUrl"] + "/", "lambda"), (urls["ApiUrl"] + "/signed", "execute-api")):
        signing = ["--aws-sigv4", f"aws:amz:us-east-1:{service}", "--user", user]
        command = ["curl", "--silent", "--fail", *signing, "--data", '{"a": 1}', address]
        done = subprocess.run(command, capture_output=True, check=True)

        assert json.loads(done.stdout)["event"]["isBase64Encoded"] is True
