"""`model-tools watch`, and the loop by which `publish` and `watch` follow an execution."""

from typing import Annotated

import typer

from model_tools.aws.executions import Executions
from model_tools.aws.faults import CallFailed
from model_tools.cli.command import Command, with_connection_options
from model_tools.cli.connection import Services
from model_tools.cli.errors import INTERRUPTED
from model_tools.cli.outcome import LiveTraffic, conclude
from model_tools.cli.progress_view import ProgressView, choose_view
from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.progress import changes

PAUSE, LOCAL_PAUSE = 1.0, 0.2
"""Seconds between two looks at the history; AWS allows an account some 20 of them a second."""
SILENT_LOOKS = 30
"""The number of looks without news after which the execution's status is asked for."""

ExecutionArgument = Annotated[
    str | None,
    typer.Argument(
        help="Name or ARN of the execution; the newest one without it.", metavar="EXECUTION", show_default=False
    ),
]


@with_connection_options
def watch(command: Command, execution: ExecutionArgument = None) -> None:
    """Watch a publication until it ends; one that has ended is shown as it was.

    Ctrl-C stops the watching, never the publication.

    For example:

        model-tools watch --local

        model-tools watch digits-20260102-030405-ab12 --json

    Exit code: 0 published, 1 refused, 2 a bug or a fault of AWS.
    """
    services = command.services()
    executions = services.executions
    arn = executions.arn_of(execution) if execution else executions.newest()
    found = executions.describe(arn)
    command.output.say(f"execution {found.name}")
    command.output.emit({"event": "execution", "name": found.name, "arn": arn})
    raise typer.Exit(watch_to_the_end(command, services, arn))


def watch_to_the_end(command: Command, services: Services, arn: str) -> int:
    """Show an execution until it ends, print what is live then, and return the exit code.

    Raises CallFailed when AWS cannot be reached any more; the execution goes on without its watcher.
    """
    view = choose_view(command.output, command.clock)
    try:
        with view:
            history = follow(services, arn, command, view)
    except KeyboardInterrupt:
        command.output.hint(f"Not watching any more; the execution goes on. {_how_to_watch(command, arn)}")
        return INTERRUPTED
    except CallFailed:
        command.output.hint(f"Lost sight of the execution, which may go on. {_how_to_watch(command, arn)}")
        raise
    outcome = conclude(history, read_live_traffic(services))
    command.output.say(outcome.line, style="bold green" if outcome.code == 0 else "bold red")
    command.output.emit(outcome.document)
    return outcome.code


def follow(services: Services, arn: str, command: Command, view: ProgressView) -> ExecutionHistory:
    """Feed an execution's events to a view as they come; return the history when the execution has ended."""
    history = ExecutionHistory()
    silent = 0
    while True:
        before = history.visits
        taken = history.feed(services.executions.events_after(arn, history.last_event_id))
        view.show(history, changes(before, history.visits, now=command.clock()))
        if history.ended:
            return history
        silent = 0 if taken else silent + 1
        if silent and silent % SILENT_LOOKS == 0:
            _check_that_it_goes_on(services.executions, arn, history)
        command.sleep(LOCAL_PAUSE if services.is_local else PAUSE)


def read_live_traffic(services: Services) -> LiveTraffic:
    """Ask which versions are live now, and which release was recorded last."""
    return LiveTraffic(services.function.shares(), services.registry.live())


def _check_that_it_goes_on(executions: Executions, arn: str, history: ExecutionHistory) -> None:
    execution = executions.describe(arn)
    if execution.status == "RUNNING" or executions.events_after(arn, history.last_event_id):
        return
    raise CallFailed(
        f"{execution.name} is {execution.status}, but its history does not say how it ended "
        f"({execution.error or 'no error'}: {execution.cause or 'no cause'}). Look at it in the Step Functions console."
    )


def _how_to_watch(command: Command, arn: str) -> str:
    return f"Watch it again: model-tools watch {arn.rpartition(':')[2]}{command.options.to_arguments()}"
