"""The reference page of the command line, written from the commands themselves: `make reference`.

A page that is written from the program cannot disagree with it; a test fails when the committed page is an older one.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer

import model_tools.cli.command
import model_tools.cli.connection
from model_tools.cli.command import Command, with_connection_options
from model_tools.cli.main import app

SHARED_PANELS = (model_tools.cli.connection.PANEL, model_tools.cli.command.PANEL)
"""The headings of the options that commands share: the page describes them once."""
INTRODUCTION = """\
# Command line

<!-- Written by `make reference` from the commands themselves: change their help instead. -->

`model-tools --help` and `model-tools COMMAND --help` say the same on a terminal. A command prints words for people or,
with `--json`, one JSON document a line for machines. An error goes to standard error or, with `--json`, is a document
whose `event` is `error`.
"""


@dataclass(frozen=True)
class _HelpText:
    """The parts of a command's help."""

    paragraphs: list[str]
    examples: list[str]
    exit_codes: dict[str, str]


def page() -> str:
    """Return the page as Markdown."""
    root = typer.Context(typer.main.get_command(app), info_name="model-tools")
    commands = list(_commands_below(root))
    lines = [INTRODUCTION, "| command | purpose |", "|---|---|"]
    for context in commands:
        path, purpose = context.command_path, _help_text(context).paragraphs[0]
        lines.append(f"| [`{path}`](#{_anchor(path)}) | {purpose} |")
    lines += ["", "## Exit codes", "", *_table("exit code", _help_text(root).exit_codes)]
    for panel, options in _shared_options().items():
        lines += ["", f"## {panel}", "", *_table("option", options)]
    for context in (root, *commands):
        lines += ["", *_section(context)]
    return "\n".join(lines) + "\n"


def _commands_below(context: typer.Context) -> Iterator[typer.Context]:
    """Yield the context of every command below a group, in the order of the help."""
    group: Any = context.command
    for name, command in group.commands.items():
        inner = typer.Context(command, parent=context, info_name=name)
        if _is_group(inner):
            yield from _commands_below(inner)
        else:
            yield inner


def _is_group(context: typer.Context) -> bool:
    return hasattr(context.command, "commands")


def _section(context: typer.Context) -> Iterator[str]:
    text = _help_text(context)
    usage = re.sub(r"[{}]", "", context.command.get_usage(context).removeprefix("Usage: "))
    yield from (f"## {context.command_path}", "", "```", usage, "```", "")
    for paragraph in text.paragraphs:
        yield from (paragraph, "")
    if arguments := _arguments(context):
        yield from (*_table("argument", arguments), "")
    panels = _options(context)
    for panel, options in panels.items():
        if panel not in SHARED_PANELS:
            yield from (*_table(panel.lower(), options), "")
    if links := [f"[{panel}](#{_anchor(panel)})" for panel in SHARED_PANELS if panel in panels]:
        yield from (f"And the options of {' and '.join(links)}.", "")
    yield from ("```sh", *text.examples, "```")
    if not _is_group(context):
        yield from ("", *_table("exit code", text.exit_codes))


def _help_text(context: typer.Context) -> _HelpText:
    """Take the help of a command apart: its paragraphs, the lines after "For example", the codes after "Exit code:"."""
    blocks = [" ".join(block.split()) for block in str(context.command.help).split("\n\n")]
    example = next(number for number, block in enumerate(blocks) if block.startswith("For example"))
    codes = re.findall(r"(\d+) (.+?)(?=, \d+ |\.$)", blocks[-1].removeprefix("Exit code: "))
    return _HelpText(blocks[:example], blocks[example + 1 : -1], dict(codes))


def _arguments(context: typer.Context) -> dict[str, str]:
    parameters: list[Any] = context.command.params
    return {argument.metavar: argument.help for argument in parameters if argument.param_type_name == "argument"}


def _options(context: typer.Context) -> dict[str, dict[str, str]]:
    """Return the options of a command with their help, by the panel that shows them."""
    panels: dict[str, dict[str, str]] = {}
    parameters: list[Any] = context.command.params
    for option in parameters:
        if option.param_type_name == "option":
            term, text = option.get_help_record(context)
            panels.setdefault(option.rich_help_panel or "Option", {})[term] = text
    return panels


def _shared_options() -> dict[str, dict[str, str]]:
    """Return the options that commands share, taken from a command that has no others."""

    @with_connection_options
    def bare(_command: Command) -> None:
        """Do nothing."""

    program = typer.Typer(add_completion=False)
    program.command()(bare)
    return _options(typer.Context(typer.main.get_command(program)))


def _table(heading: str, rows: Mapping[str, str]) -> list[str]:
    cells = [(term.replace("|", r"\|"), " ".join(text.split()).replace("|", r"\|")) for term, text in rows.items()]
    return [f"| {heading} | meaning |", "|---|---|", *(f"| `{term}` | {text} |" for term, text in cells)]


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(page())
