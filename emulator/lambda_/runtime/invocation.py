"""What goes into a function and what comes out of it."""

import json
from dataclasses import dataclass
from typing import Any

PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes in a request
ANSWER_LIMIT = PAYLOAD_LIMIT + 100  # Lambda's 6291556 bytes in a response


@dataclass(frozen=True)
class Invocation:
    """One request to a function; `arn` is the one it was called by (with the alias or the version)."""

    request_id: str
    payload: bytes
    arn: str
    client_context: str | None = None


@dataclass(frozen=True)
class Fault:
    """Why a runtime failed, as it reported it: `kind` such as `Runtime.ImportModuleError`, `body` its JSON."""

    kind: str
    body: bytes

    @property
    def summary(self) -> str:
        """The real error type and message in one line."""
        return f"{self._reported.get('errorType') or self.kind}: {self.message}"

    @property
    def message(self) -> str:
        """What went wrong, in the runtime's words."""
        return str(self._reported.get("errorMessage", ""))

    @property
    def _reported(self) -> dict[str, Any]:
        try:
            reported = json.loads(self.body)
        except ValueError:
            return {"errorMessage": self.body.decode(errors="replace")}
        return reported if isinstance(reported, dict) else {"errorMessage": str(reported)}


@dataclass(frozen=True)
class Outcome:
    """What the caller gets. `fault` is None after a success; `duration_ms` is the handler's time."""

    payload: bytes
    fault: str | None = None
    duration_ms: float = 0.0
    log_tail: bytes = b""


def fault_of(kind: str, message: str) -> Fault:
    """Return a fault that the platform itself states, in the shape that Lambda answers it."""
    return Fault(kind, json.dumps({"errorType": kind, "errorMessage": message}).encode())
