"""Waiting until Lambda has created or updated a function, or has taken the snapshot of a version."""

import time
from collections.abc import Callable
from typing import Any

_POLL_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 600.0


def wait_until_active(client: Any, function: str, *, qualifier: str | None = None) -> None:
    """Return when the function or version is Active; raises ValueError with Lambda's reason when it failed."""
    named = {"FunctionName": function, **({"Qualifier": qualifier} if qualifier else {})}
    _wait(lambda: client.get_function_configuration(**named), "State", "Pending", "Active", "StateReason")


def wait_until_updated(client: Any, function: str) -> None:
    """Return when the last update is in effect; raises ValueError with Lambda's reason when it failed."""
    _wait(
        lambda: client.get_function_configuration(FunctionName=function),
        "LastUpdateStatus",
        "InProgress",
        "Successful",
        "LastUpdateStatusReason",
    )


def _wait(look: Callable[[], Any], field: str, busy: str, good: str, reason: str) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        seen = look()
        if seen[field] == good:
            return
        if seen[field] != busy:
            raise ValueError(
                f"{field} of {seen['FunctionArn']} is {seen[field]}: {seen.get(reason, 'no reason given')}"
            )
        time.sleep(_POLL_SECONDS)
    raise ValueError(f"{field} of {seen['FunctionArn']} is still {busy} after {_LONGEST_WAIT_SECONDS:g} s")
