"""From exceptions to exit codes and messages: the one place that decides whose fault it is."""

from dataclasses import dataclass

import model_tools.errors
from model_tools.aws.faults import CallFailed, CallRefused
from model_tools.errors import PublishError, ServiceUnavailable

DONE, USER, FAULT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes. 130 is what shells report of a program that Ctrl-C ended: 128 plus the number of SIGINT."""


class UserError(Exception):
    """The command cannot do what it was asked to do, and its user can put that right."""


@dataclass(frozen=True)
class FailureReport:
    """The exit code and the words that a failed command ends with."""

    code: int
    error: str
    """The name of the error's class: scripts rely on it, so it does not change."""
    message: str


def report_on(error: Exception) -> FailureReport:
    """Return the exit code and the words for an exception."""
    name = type(error).__name__
    if isinstance(error, PublishError | UserError | CallRefused):
        return FailureReport(USER, name, str(error))
    if isinstance(error, CallFailed | ServiceUnavailable):
        return FailureReport(FAULT, name, str(error))
    return FailureReport(
        FAULT,
        name,
        f"unexpected {name}: {error}. This is a bug in model-tools: run the same command with --debug and report what "
        "it prints.",
    )


def is_refusal(error: str) -> bool:
    """Tell whether an execution's error name is one of ours: the publication was refused, nothing broke."""
    known = getattr(model_tools.errors, error, None)
    return isinstance(known, type) and issubclass(known, PublishError)
