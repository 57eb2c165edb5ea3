"""Matching errors with the ErrorEquals of a Retry or a Catch.

`States.ALL` does not match errors that cannot be handled (`States.Runtime`, `States.DataLimitExceeded`), and
`States.Timeout` matches a missed heartbeat too. moto's `States.ALL` hides a broken definition behind a Catch.
"""

from collections.abc import Set as AbstractSet
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl

from emulator.repairing import replace

_UNCATCHABLE = frozenset({"States.Runtime", "States.DataLimitExceeded"})
_TIMEOUTS = frozenset({"States.Timeout", "States.HeartbeatTimeout"})


def matches(names: AbstractSet[str | None], error: str | None) -> bool:
    """Return True when a Retry or a Catch with `names` in ErrorEquals handles `error`."""
    if error in _UNCATCHABLE:
        return False
    if "States.ALL" in names or error in names:
        return True
    if "States.TaskFailed" in names:
        return error not in _TIMEOUTS
    return error == "States.HeartbeatTimeout" and "States.Timeout" in names


def _eval_body(self: ErrorEqualsDecl, env: Any) -> None:
    reported = env.stack.pop()
    names = {name.error_name for name in self.error_names}
    env.stack.append(matches(names, reported.error_name if reported is not None else None))


def repair() -> None:
    """Replace the comparison with ErrorEquals."""
    replace(ErrorEqualsDecl, _eval_body=_eval_body)
