"""Invocations, their outcomes, and the faults of runtimes."""

import json
from dataclasses import dataclass
from typing import Any

PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Bytes in the payload of a request."""

ANSWER_LIMIT = PAYLOAD_LIMIT + 100
"""Bytes in the payload of a response: 6,291,556, as on Lambda."""


@dataclass(frozen=True)
class Invocation:
    """One request to a function. `arn` is the ARN that it was called by, with the alias or the version."""

    request_id: str
    payload: bytes
    arn: str
    client_context: str | None = None


@dataclass(frozen=True)
class RuntimeFault:
    """The fault that a runtime reports. `kind` is e.g. `Runtime.ImportModuleError`, `body` the report's JSON."""

    kind: str
    body: bytes

    @property
    def summary(self) -> str:
        """The error's type and message in one line."""
        return f"{self._reported.get('errorType') or self.kind}: {self.message}"

    @property
    def message(self) -> str:
        """The error's message."""
        return str(self._reported.get("errorMessage", ""))

    @property
    def _reported(self) -> dict[str, Any]:
        try:
            reported = json.loads(self.body)
        except ValueError:
            return {"errorMessage": self.body.decode(errors="replace")}
        return reported if isinstance(reported, dict) else {"errorMessage": str(reported)}


@dataclass(frozen=True)
class InvocationOutcome:
    """The outcome of an invocation. `fault` is None after a success; `duration_ms` is the time of the handler."""

    payload: bytes
    fault: str | None = None
    duration_ms: float = 0.0
    log_tail: bytes = b""


def platform_fault(kind: str, message: str) -> RuntimeFault:
    """Return a fault that the platform reports, not the runtime, in the form that Lambda answers with."""
    return RuntimeFault(kind, json.dumps({"errorType": kind, "errorMessage": message}).encode())
