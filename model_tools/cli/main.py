"""The entry point: it puts the commands together and turns what they raise into words and an exit code."""

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from model_tools.cli import local, runtime
from model_tools.cli.command import Command
from model_tools.cli.errors import DONE, INTERRUPTED, USER, report_on
from model_tools.cli.invoke import invoke
from model_tools.cli.plan import plan
from model_tools.cli.publish import publish
from model_tools.cli.releases import releases
from model_tools.cli.watch import watch
from model_tools.version import tools_version

app = typer.Typer(
    name="model-tools",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 (Typer calls it so)
    if asked:
        typer.echo(f"model-tools {tools_version()}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
]


@app.callback()
def model_tools(*, version: VersionOption = False) -> None:
    """Put trained PyTorch models into production on AWS Lambda: proof before traffic, a way back after it.

    For example, with nothing but this machine:

        model-tools local up

        model-tools publish examples/digits --local

        model-tools invoke --event examples/digits/samples/seven.json --local

    Exit code: 0 done, 1 refused or something you can put right, 2 a bug or a fault of AWS, 130 stopped by Ctrl-C.
    """


app.command()(plan)
app.command()(publish)
app.command()(watch)
app.command()(invoke)
app.command()(releases)
app.add_typer(runtime.app, name="runtime")
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(run(sys.argv[1:], Command()))


def run(arguments: Sequence[str], command: Command) -> int:
    """Run one command line; return the exit code."""
    try:
        code = app(list(arguments), obj=command, standalone_mode=False)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the one place where every exception becomes a message)
        return _end(error, command)
    return code if isinstance(code, int) else DONE


def _end(error: Exception, command: Command) -> int:
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # Typer's own errors: a wrong option, a missing argument
        error.show()
        return USER
    if command.debug:
        traceback.print_exception(error)
    report = report_on(error)
    command.output.fail(report.error, report.message)
    return report.code
