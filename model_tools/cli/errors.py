"""From exceptions to exit codes and messages: the one place that decides whose fault it is."""

from dataclasses import dataclass

import model_tools.errors
from model_tools.aws.faults import CallFailed, CallRefused
from model_tools.errors import PublishError, ServiceUnavailable

DONE, USER, FAULT, INTERRUPTED = 0, 1, 2, 130


class UserError(Exception):
    """The command cannot do what it was asked, and its user can put that right."""


@dataclass(frozen=True)
class Report:
    """How a command that failed ends."""

    code: int
    error: str
    """The error's stable name."""
    message: str


def report_on(error: Exception) -> Report:
    """Return the exit code and the words for an exception."""
    name = type(error).__name__
    if isinstance(error, PublishError | UserError | CallRefused):
        return Report(USER, name, str(error))
    if isinstance(error, CallFailed | ServiceUnavailable):
        return Report(FAULT, name, str(error))
    return Report(
        FAULT,
        name,
        f"unexpected {name}: {error}. This is a bug in model-tools: run the same command with --debug and report what "
        "it prints.",
    )


def is_refusal(error: str) -> bool:
    """Tell whether an execution's error name is one of ours: the publication was refused, nothing broke."""
    known = getattr(model_tools.errors, error, None)
    return isinstance(known, type) and issubclass(known, PublishError)
