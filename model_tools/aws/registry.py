"""DynamoDB: one function's records of what was released, refused and is live, and the lease on it.

The state machine writes the records of releases; of them, only the lease is written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from model_tools.aws.faults import ErrorPolicy, Meaning, Meanings, code_of
from model_tools.release.lease import Claim, Lease
from model_tools.release.records import LEASE, LIVE, RELEASE


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
        item = self._read(LIVE)
        return _record(item) if item else None

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

    def lease(self) -> Lease:
        """Return the lease as it is now; one that was never taken is free."""
        item = self._read(LEASE)
        return Lease(item.get("holder", {}).get("S"), int(item.get("fencing_token", {}).get("N", 0)))

    def claim_lease(self, claim: Claim, *, seen: Lease) -> Lease | None:
        """Write a claim under the next fencing token, if the lease is still as it was seen.

        Returns the lease as it is then; None when somebody else was faster, or when this very claim was written before
        and its answer lost.
        """
        taken = Lease(claim.holder, seen.fencing_token + 1)
        values = {
            ":holder": {"S": taken.holder},
            ":token": {"N": str(taken.fencing_token)},
            ":release": {"S": claim.release_id},
            ":at": {"S": claim.at},
        }
        conditions = ["attribute_not_exists(holder)", "attribute_not_exists(fencing_token)"]
        if seen.holder is not None:
            conditions[0], values[":seen_holder"] = "holder = :seen_holder", {"S": seen.holder}
        if seen.fencing_token:
            conditions[1], values[":seen_token"] = "fencing_token = :seen_token", {"N": str(seen.fencing_token)}
        with self._explained(f"taking the lease on {self._function}", self._meanings()):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(LEASE),
                    UpdateExpression="SET holder = :holder, fencing_token = :token, release_id = :release, "
                    "acquired_at = :at",
                    ConditionExpression=" AND ".join(conditions),
                    ExpressionAttributeValues=values,
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return None
        return taken

    def _read(self, record: str) -> Mapping[str, Mapping[str, str]]:
        with self._explained(f"reading {self._table}", self._meanings()):
            answer = self._dynamodb.get_item(TableName=self._table, Key=self._key(record), ConsistentRead=True)
        item: Mapping[str, Mapping[str, str]] = answer.get("Item", {})
        return item

    def _key(self, record: str) -> dict[str, dict[str, str]]:
        return {"function": {"S": self._function}, "record": {"S": record}}

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
