"""Functions under test, and a Lambda service with settings of the test's own."""

import contextlib
import functools
import io
import itertools
import json
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.core.base_backend import BackendDict

from emulator import cloudwatch
from emulator.gateway.http_server import HttpServer
from emulator.gateway.moto_app import create_moto_app
from emulator.iam import CredentialIssuer
from emulator.lambda_ import LambdaSettings, start_lambda
from tests.support.emulator.waiting import wait_until

SOON = {"Delay": 0.02, "MaxAttempts": 1000}
ECHO = """
    import os

    def handler(event, context):
        return {"event": event, "pid": os.getpid(), "version": context.function_version}
"""
MISBEHAVING = """
    import ctypes, json, os, subprocess, sys, time

    def handler(event, context):
        match event["do"]:
            case "raise":
                raise KeyError("nope")
            case "exit":
                os._exit(3)
            case "hang":
                subprocess.Popen(["sleep", "1000"])
                time.sleep(1000)
            case "grow":
                held = b"x" * 600_000_000
                time.sleep(900)
            case "answer":
                return "x" * event["bytes"]
            case "set":
                return {1, 2}
        return {"pid": os.getpid()}
"""
SESSION = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
_numbers = itertools.count(1)


def zip_of(source: str, **more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {"app": source, **more}.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.py"), textwrap.dedent(text))
    return buffer.getvalue()


@dataclass
class Functions:
    """Functions under test: each has a name of its own, so that one emulator serves all tests of a module."""

    aws: Callable[[str], Any]  # a client for a service's name

    def __post_init__(self) -> None:
        self.client = self.aws("lambda")
        self.iam = self.aws("iam")

    def create(self, source: str = ECHO, *, wait: bool = True, **configuration: Any) -> str:
        name = configuration.pop("FunctionName", f"function-{next(_numbers)}")
        self.client.create_function(
            FunctionName=name,
            **{
                "Runtime": "python3.12",
                "Handler": "app.handler",
                "Role": self.role(),
                "Code": {"ZipFile": zip_of(source)},
                **configuration,
            },
        )
        if wait:
            self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=SOON)
        return name

    def role(self, name: str = "runs-functions") -> str:
        with contextlib.suppress(self.iam.exceptions.EntityAlreadyExistsException):
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        return f"arn:aws:iam::123456789012:role/{name}"

    def update(self, name: str, source: str) -> None:
        self.client.update_function_code(FunctionName=name, ZipFile=zip_of(source))
        self.updated(name)

    def updated(self, name: str) -> None:
        self.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=SOON)

    def publish(self, name: str) -> str:
        version = self.client.publish_version(FunctionName=name)["Version"]
        waiter = self.client.get_waiter("published_version_active")
        waiter.wait(FunctionName=name, Qualifier=version, WaiterConfig=SOON)
        return version

    def snapshot(self, source: str = ECHO, **configuration: Any) -> tuple[str, str]:
        name = self.create(source, SnapStart={"ApplyOn": "PublishedVersions"}, **configuration)
        return name, self.publish(name)

    def failed_version(self, source: str, **configuration: Any) -> dict[str, Any]:
        """Publish what cannot be snapshot, and return the version's configuration when it has failed."""
        name = self.create(source, SnapStart={"ApplyOn": "PublishedVersions"}, **configuration)
        version = self.client.publish_version(FunctionName=name)["Version"]
        return wait_until(lambda: self.when("State", "Pending", FunctionName=name, Qualifier=version), "the failure")

    def when(self, field: str, passing: str, **function: str) -> dict[str, Any] | None:
        """Return the configuration when this field has come through its passing state."""
        described = self.client.get_function_configuration(**function)
        return described if described[field] != passing else None

    def call(self, name: str, event: Any = None, **parameters: Any) -> Any:
        """Invoke, and return the answer; a function error is an assertion error."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **parameters)
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def error(self, name: str, event: Any = None, **parameters: Any) -> dict[str, Any]:
        """Invoke, and return the function error."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **parameters)
        assert answer["FunctionError"] == "Unhandled"
        return json.loads(answer["Payload"].read())


@contextlib.contextmanager
def functions_with(work_dir: Path, **settings: Any) -> Iterator[Functions]:
    """A Lambda service with settings of the test's own."""
    cloudwatch.repair()
    http = HttpServer(0)
    issuer = CredentialIssuer()
    service = start_lambda(
        LambdaSettings(endpoint_url=http.url, credentials_for=issuer.issue, work_dir=work_dir, **settings)
    )
    http.serve(create_moto_app())
    try:
        yield Functions(functools.cache(lambda name: client_for(name, http.url)))
    finally:
        service.close()
        http.close()
        BackendDict.reset()


def client_for(service: str, endpoint_url: str) -> Any:
    return SESSION.client(
        service,
        endpoint_url=endpoint_url,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50, s3={"addressing_style": "path"}),
    )
