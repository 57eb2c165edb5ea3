"""One run of the command line, and the decorators that give a command the options that commands share.

A command declares the options that are its own, and gets a `Command` that is set up by the shared ones:

    @with_connection_options
    def releases(command: Command, *, limit: LimitOption = 20) -> None:
        services = command.services()
"""

import functools
import inspect
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Concatenate

import typer

from model_tools.cli.connection import ConnectionOptions, Services, connect
from model_tools.cli.output import CommandOutput

PANEL = "Output"
"""The heading of these options in a command's help."""


@dataclass(frozen=True)
class OutputOptions:
    """The options that say how a command prints; each is declared here alone, for every command."""

    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for machines instead of words.", rich_help_panel=PANEL)
    ] = False
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback when something fails.", rich_help_panel=PANEL)
    ] = False


@dataclass
class Command:
    """One run of the command line: its surroundings, which tests replace, and what the shared options say."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    token: Callable[[], str] = lambda: secrets.token_hex(2)
    connect: Callable[[ConnectionOptions, Mapping[str, str]], Services] = connect
    output: CommandOutput = field(default_factory=CommandOutput)
    debug: bool = False
    options: ConnectionOptions = field(default_factory=ConnectionOptions)

    def set_up(self, options: ConnectionOptions | OutputOptions) -> None:
        """Do as these options say from now on. Nothing is connected yet."""
        if isinstance(options, ConnectionOptions):
            self.options = options
        else:
            self.output = CommandOutput(as_json=options.as_json)
            self.debug = options.debug

    def services(self) -> Services:
        """Connect to the stack that the options name, and return its services."""
        return self.connect(self.options, self.environ)


CommandFunction = Callable[Concatenate[Command, ...], None]
"""The function of a command: it takes the `Command` first, then the values of the command's own options."""


def with_connection_options(function: CommandFunction) -> Callable[..., None]:
    """Give a command the options that say where it runs and how it prints.

    The command's first parameter is the `Command` that they set up. An option of the same name that a command declares
    itself takes the shared one's place in its help, and both get its value.
    """
    return _with_options(function, ConnectionOptions, OutputOptions)


def with_output_options(function: CommandFunction) -> Callable[..., None]:
    """Give a command that asks nothing of AWS the options that say how it prints, as `with_connection_options` does."""
    return _with_options(function, OutputOptions)


def _with_options(function: CommandFunction, *groups: type[ConnectionOptions | OutputOptions]) -> Callable[..., None]:
    _command, *own = inspect.signature(function).parameters.values()
    names = {parameter.name for parameter in own}
    members = {group: list(inspect.signature(group).parameters.values()) for group in groups}
    shared = [member for group in groups for member in members[group] if member.name not in names]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @functools.wraps(function)
    def run(ctx: typer.Context, **given: Any) -> None:
        command = ctx.ensure_object(Command)
        for group in groups:
            command.set_up(group(**{member.name: given[member.name] for member in members[group]}))
        function(command, **{name: given[name] for name in names})

    # Typer reads a command's options from its signature.
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    return run
