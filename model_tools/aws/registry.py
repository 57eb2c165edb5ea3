"""DynamoDB: the record of what was released, refused, and is live. Only read here; the state machine writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_tools.aws.faults import ErrorPolicy, Meaning, Meanings
from model_tools.release.records import LIVE, RELEASE


@dataclass(frozen=True)
class ReleaseRecord:
    """One publication on record."""

    release_id: str
    status: str
    """RELEASED or FAILED."""
    at: str
    """The time at which it was recorded, ISO 8601."""
    execution: str
    version: str | None = None
    error: str | None = None
    cause: str | None = None
    model_uri: str | None = None
    requested_by: str | None = None


class Registry:
    """One function's records through one boto3 client."""

    def __init__(self, client: Any, table: str, function: str, *, errors: ErrorPolicy) -> None:
        self._dynamodb = client
        self._table = table
        self._function = function
        self._explained = errors

    def live(self) -> ReleaseRecord | None:
        """Return the release that was recorded as live last; None before the first."""
        key = {"function": {"S": self._function}, "record": {"S": LIVE}}
        with self._explained(f"reading {self._table}", self._meanings()):
            answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _record(answer["Item"]) if answer.get("Item") else None

    def releases(self) -> list[ReleaseRecord]:
        """Return every publication on record, newest first."""
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "#function = :function AND begins_with(#record, :prefix)",
            "ExpressionAttributeNames": {"#function": "function", "#record": "record"},
            "ExpressionAttributeValues": {":function": {"S": self._function}, ":prefix": {"S": RELEASE}},
        }
        with self._explained(f"reading {self._table}", self._meanings()):
            pages = self._dynamodb.get_paginator("query").paginate(**request)
            records = [_record(item) for page in pages for item in page["Items"]]
        return sorted(records, key=lambda record: record.at, reverse=True)

    def _meanings(self) -> Meanings:
        return {"ResourceNotFoundException": Meaning(f"There is no table {self._table}: deploy the stack again.")}


def _record(item: Mapping[str, Mapping[str, str]]) -> ReleaseRecord:
    def text(name: str) -> str | None:
        value = item.get(name, {})
        return value.get("S", value.get("N"))

    return ReleaseRecord(
        release_id=text("release_id") or "?",
        status=text("status") or "RELEASED",  # the record `live` has none: it is what was released
        at=text("at") or "",
        execution=text("execution") or (text("record") or "").removeprefix(RELEASE),
        version=text("version"),
        error=text("error"),
        cause=text("cause"),
        model_uri=text("model_uri"),
        requested_by=text("requested_by"),
    )
