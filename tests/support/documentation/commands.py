"""The commands that pages show: are there such commands, options and files?"""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from model_tools.cli.main import app
from tests.support.documentation.pages import ROOT, blocks

PROGRAM = re.compile(r"(\.venv/bin/)?model-tools")
NOT_IN_A_CLONE = ("my-model/", "s3://", "https://")
"""The beginnings of what stands for something of the reader's, or lies elsewhere."""


def shown_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every `model-tools …` in the shell blocks of a page, the program's name left out."""
    for block in blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and PROGRAM.fullmatch(words[0]):
                yield words[1:]


def problems_of(words: list[str], text: str) -> list[str]:
    """Return what is wrong with a command: a name that is none, or a file that neither a clone nor the page has."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return [f"there is no command {words[0]}"]
        command, words = command.commands[words[0]], words[1:]
    options = {name: option for option in command.params for name in option.opts if name.startswith("-")}
    found = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        value: str | None = word
        if word.startswith("-"):
            if word not in options:
                found.append(f"there is no option {word}")
                continue
            value = None if options[word].is_flag else waiting.pop(0)
            if str(getattr(options[word], "type", "")).lower() in ("integer range", "integer", "float"):
                value = None
        if value and not _is_there(value, text):
            found.append(f"there is no {value}")
    return found


def all_commands() -> Iterator[str]:
    """Yield the name of every command that does something, such as `local up`."""
    waiting: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        inner = getattr(command, "commands", {})
        waiting += [(f"{path} {name}".strip(), each) for name, each in inner.items()]
        if not inner:
            yield path


def _is_there(value: str, text: str) -> bool:
    """Tell whether a value is no path, a path of a clone, one of the reader's, or one that the page makes."""
    if "/" not in value or value.startswith(NOT_IN_A_CLONE) or " " in value or "{" in value:
        return True
    made = re.findall(r"mkdir -p (\S+)", text)
    return (ROOT / value).exists() or any(f"{folder}/".startswith(f"{value.rstrip('/')}/") for folder in made)
