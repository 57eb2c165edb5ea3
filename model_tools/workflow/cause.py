"""From Step Functions' error and cause to the failure that they tell of.

A cause is text, but often text that holds JSON: a function's error as Lambda reports it, or the description of another
execution that failed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

MAX_DEPTH = 4
"""The executions inside one another that a cause is followed through."""


@dataclass(frozen=True)
class Failure:
    """An error's name and its message."""

    error: str
    message: str

    def __str__(self) -> str:
        """Return both on one line."""
        return f"{self.error}: {self.message}" if self.message else self.error


def parse_failure(error: str | None, cause: str | None) -> Failure:
    """Return the failure that an error and a cause tell of; a function's own error name wins over Lambda's."""
    name, message = error or "", cause or ""
    for _ in range(MAX_DEPTH):
        details = _json_object(message)
        if "errorMessage" in details or "errorType" in details:
            name = str(details.get("errorType") or name)
            message = str(details.get("errorMessage") or "")
        elif "ExecutionArn" in details:
            name = str(details.get("Error") or name)
            message = str(details.get("Cause") or details.get("Status") or "")
        else:
            break
    return Failure(name or "States.Unknown", message)


def _json_object(text: str) -> Mapping[str, object]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
