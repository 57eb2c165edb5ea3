"""`python -m emulator`, as a person or the command line starts it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.support.emulator.templates import bare, write

ROOT = Path(__file__).parents[3]


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
