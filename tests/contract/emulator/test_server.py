"""Starting, stopping, and the one way in."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from emulator.errors import EmulatorError
from emulator.gateway.front_door import CALLER, FrontDoor
from emulator.server import Emulator
from tests.contract.emulator.templates import bare, write

ROOT = Path(__file__).parents[3]


def client_of(aws, service, credentials):
    return boto3.session.Session().client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )


def test_emulators_follow_one_another_and_forget_everything():
    urls = set()
    for _ in range(2):
        with Emulator() as aws:
            urls.add(aws.endpoint_url)
            assert aws.client("s3").list_buckets()["Buckets"] == []
            aws.client("s3").create_bucket(Bucket="left-behind")
            aws.client("iam").create_role(RoleName="left-behind", AssumeRolePolicyDocument="{}")
    assert len(urls) == 2
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("emulator")]


def test_a_stopped_emulator_does_not_answer():
    aws = Emulator().start()
    aws.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(aws.endpoint_url)  # noqa: S310
    aws.stop()  # once more is no error


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"port {port} on 127.0.0.1 is in use"):
            Emulator(port=port).start()
    with Emulator(port=port) as aws:
        assert aws.endpoint_url == f"http://127.0.0.1:{port}"


def test_a_time_scale_must_be_positive():
    with pytest.raises(EmulatorError, match="greater than 0"):
        Emulator(time_scale=0)


def test_there_is_one_emulator_at_a_time(aws):
    with pytest.raises(EmulatorError, match="running in this process already"):
        Emulator().start()


def test_a_role_is_known_by_its_credentials(aws):
    role = aws.client("iam").create_role(RoleName="known", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    issued = aws.credential_issuer.issue(role, "session")
    assert issued == aws.credential_issuer.issue(role, "session")
    identity = client_of(aws, "sts", issued).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/known/session"
    assert aws.credential_issuer.identify(issued.access_key_id).role_arn == role
    taken = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="by-hand")["Credentials"]
    assert aws.credential_issuer.identify(taken["AccessKeyId"]).session_name == "by-hand"
    assert aws.credential_issuer.identify("AKIAWHOEVER").is_operator
    assert aws.credential_issuer.identify(None).is_operator


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/lambda/aws4_request, S=h"},
        {"QUERY_STRING": "X-Amz-Credential=KEY%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=x"},
    ],
)
def test_everybody_inside_sees_who_called(environ):
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return []

    FrontDoor(app, lambda key: f"caller {key}")(environ, None)
    assert seen[CALLER] == "caller KEY"


def test_concurrent_conditional_writes_have_one_winner(aws):
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="race",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )

    def take(holder):
        try:
            dynamodb.put_item(
                TableName="race",
                Item={"id": {"S": "lease"}, "holder": {"N": str(holder)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(64))) == 1


def test_one_request_at_a_time_reaches_a_service_that_checks_and_then_acts():
    inside = threading.Semaphore(0)
    leave = threading.Event()
    present, most = [], []

    def app(environ, start_response):
        present.append(1)
        most.append(len(present))
        inside.release()
        leave.wait(0.05)
        present.pop()
        return []

    door = FrontDoor(app, lambda key: key)
    environ = {"HTTP_AUTHORIZATION": "AWS4 Credential=K/d/us-east-1/dynamodb/aws4_request"}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: door(dict(environ), None), range(4)))
    assert max(most) == 1


def test_a_large_object_goes_in_and_out(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="large-bucket")
    body = os.urandom(1024) * 8192
    s3.put_object(Bucket="large-bucket", Key="k", Body=body)
    assert s3.get_object(Bucket="large-bucket", Key="k")["Body"].read() == body


@pytest.mark.parametrize("service", ["json", "rest-json", "query"])
def test_what_moto_has_not_is_refused_as_not_implemented(aws, service):
    from botocore.exceptions import ClientError

    call = {
        "json": lambda: aws.client("stepfunctions").redrive_execution(
            executionArn="arn:aws:states:us-east-1:123456789012:execution:m:e"
        ),
        "rest-json": lambda: aws.client("apigatewayv2").import_api(Body="{}"),
        "query": lambda: aws.client("cloudformation").estimate_template_cost(TemplateBody="{}"),
    }[service]
    with pytest.raises(ClientError, match="the emulator cannot do this") as refused:
        call()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


# ---- as a program


def program(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "emulator", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": os.environ.get("EMULATOR_TEST_TMP", "/tmp")},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_says_when_it_is_ready_and_stops_when_it_is_told(tmp_path, number, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("EMULATOR_TEST_TMP", str(scratch))
    echo = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": {"Fn::Sub": "${AWS::StackName}-echo"},
            "CodeUri": "echo/",
            "Handler": "app.handler",
            "Runtime": "python3.13",
            "MemorySize": {"Ref": "Size"},
        },
    }
    content = bare(Echo=echo) | {
        "Parameters": {"Size": {"Type": "Number"}},
        "Outputs": {"Name": {"Value": {"Ref": "Echo"}}},
    }
    template = write(tmp_path / "app", content)
    running = program("--port", "0", "--template", str(template), "--stack-name", "mine", "--parameter", "Size=128")
    try:
        ready = json.loads(running.stdout.readline())
        assert ready == {
            "endpoint_url": ready["endpoint_url"],
            "region": "us-east-1",
            "account_id": "123456789012",
            "stack_name": "mine",
            "outputs": {"Name": "mine-echo"},
            "local_urls": {},
        }
        client = boto3.session.Session().client(
            "lambda",
            endpoint_url=ready["endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        answer = json.load(client.invoke(FunctionName="mine-echo", Payload=b'{"a": 1}')["Payload"])
        assert answer["echo"] == {"a": 1}
        running.send_signal(number)
        output, errors = running.communicate(timeout=30)
    finally:
        running.kill()
    assert (running.returncode, output, errors) == (0, "", "")
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--template", "nowhere.yaml"], "nowhere.yaml: cannot be read as a template"),
        (["--template", "template.yaml", "--parameter", "A"], "--parameter A: write it as Name=value"),
    ],
)
def test_the_program_refuses_in_one_line(arguments, message):
    running = program("--port", "0", *arguments)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert output == ""
    assert message in errors
    assert errors.count("\n") == 1
