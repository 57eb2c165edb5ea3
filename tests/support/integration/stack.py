"""The deployed stack as its users see it: start an execution, call the alias, read the record."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from emulator.server import Emulator

PATIENCE = 120.0
"""Seconds after which a test gives up; nothing is ever expected to take this long."""


@dataclass(frozen=True)
class Ended:
    """An execution that has ended."""

    arn: str
    name: str
    status: str
    output: dict[str, Any]
    error: str | None
    cause: str
    states: list[str]


class Stack:
    def __init__(self, emulator: Emulator, outputs: dict[str, str]) -> None:
        self.emulator = emulator
        self.outputs = outputs
        self.function = outputs["InferenceFunctionName"]

    @cached_property
    def lambda_(self) -> Any:
        return self.emulator.client("lambda")

    @cached_property
    def s3(self) -> Any:
        return self.emulator.client("s3")

    @cached_property
    def sfn(self) -> Any:
        return self.emulator.client("stepfunctions")

    def upload(self, folder: Path, prefix: str | None = None) -> str:
        """Upload a folder, publish.yaml last, and return its URI."""
        prefix = prefix or f"uploads/{uuid.uuid4().hex}/"
        bucket = self.outputs["CheckpointsBucketName"]
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in sorted(paths, key=lambda path: path.name == "publish.yaml"):
            self.s3.upload_file(str(path), bucket, prefix + path.relative_to(folder).as_posix())
        return f"s3://{bucket}/{prefix}"

    def start(self, model: Path | str, **request: Any) -> str:
        uri = model if isinstance(model, str) else self.upload(model)
        return self.start_with({"model_uri": uri, **request})

    def start_with(self, request: object, machine: str = "PublishStateMachineArn") -> str:
        """Start an execution with any input and return its ARN."""
        arn = self.outputs[machine]
        return self.sfn.start_execution(stateMachineArn=arn, input=json.dumps(request))["executionArn"]

    def wait(self, execution: str) -> Ended:
        def ended() -> dict[str, Any] | None:
            seen = self.sfn.describe_execution(executionArn=execution)
            return None if seen["status"] == "RUNNING" else seen

        seen = until(ended)
        return Ended(
            arn=execution,
            name=seen["name"],
            status=seen["status"],
            output=json.loads(seen.get("output") or "{}"),
            error=seen.get("error"),
            cause=seen.get("cause") or "",
            states=self.states(execution),
        )

    def publish(self, model: Path | str, **request: Any) -> Ended:
        return self.wait(self.start(model, **request))

    def states(self, execution: str) -> list[str]:
        """Return the names of the states that were entered, in order."""
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def wait_for_state(self, execution: str, name: str) -> None:
        until(lambda: name in self.states(execution))

    def invoke(self, event: object, qualifier: str = "live") -> tuple[Any, str, str | None]:
        """Return the answer, the version that gave it, and the function error if there was one."""
        answer = self.lambda_.invoke(
            FunctionName=self.function, Qualifier=qualifier, Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read()), answer["ExecutedVersion"], answer.get("FunctionError")

    def alias(self) -> tuple[str, dict[str, float]]:
        alias = self.lambda_.get_alias(FunctionName=self.function, Name="live")
        return alias["FunctionVersion"], (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}

    def versions(self) -> set[str]:
        pages = self.lambda_.get_paginator("list_versions_by_function").paginate(FunctionName=self.function)
        return {version["Version"] for page in pages for version in page["Versions"]} - {"$LATEST"}

    def record(self, name: str) -> dict[str, str]:
        """Return an item of the registry as plain strings; empty when it is not there."""
        key = {"function": {"S": self.function}, "record": {"S": name}}
        table = self.outputs["RegistryTableName"]
        item = self.emulator.client("dynamodb").get_item(TableName=table, Key=key).get("Item", {})
        return {field: next(iter(value.values())) for field, value in item.items()}

    def released_versions(self) -> list[str]:
        """Return the versions that were live, newest first."""
        query = {
            "TableName": self.outputs["RegistryTableName"],
            "KeyConditionExpression": "#function = :function AND begins_with(#record, :prefix)",
            "ExpressionAttributeNames": {"#function": "function", "#record": "record"},
            "ExpressionAttributeValues": {":function": {"S": self.function}, ":prefix": {"S": "release#"}},
        }
        items = self.emulator.client("dynamodb").query(**query)["Items"]
        released = sorted(
            (item for item in items if item["status"]["S"] == "RELEASED"), key=lambda item: item["at"]["S"]
        )
        return [item["version"]["S"] for item in reversed(released)]

    def work_logged_by(self, function: str) -> set[tuple[str | None, str | None]]:
        """Return the executions and releases that a function says it worked for, by its name without the stack's."""
        group = f"/aws/lambda/{self.function.removesuffix('inference')}{function}"
        pages = self.emulator.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        messages = (event["message"] for page in pages for event in page["events"])
        lines = [json.loads(message) for message in messages if message.startswith("{")]
        return {(line.get("execution"), line.get("release")) for line in lines}

    def lease_is_free(self) -> bool:
        return "holder" not in self.record("lease")


def took_the_lease_over(stack: Stack, ended: Ended) -> bool:
    """Tell whether an execution took the lease over from another one that had ended."""
    pages = stack.sfn.get_paginator("get_execution_history").paginate(executionArn=ended.arn)
    exits = [event.get("stateExitedEventDetails", {"name": ""}) for page in pages for event in page["events"]]
    leases = [json.loads(each["output"])["lease"] for each in exits if each["name"] == "AcquireLease"]
    return bool(leases[-1]["held"] and leases[-1]["other"])


def until(look: Callable[[], Any]) -> Any:
    """Return the first result that is true. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if result := look():
            return result
        time.sleep(0.05)
    raise TimeoutError
