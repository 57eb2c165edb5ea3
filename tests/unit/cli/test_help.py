from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from model_tools.cli.command import Command
from model_tools.cli.main import app, run


def all_commands() -> dict[str, object]:
    found, waiting = {}, [("model-tools", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        found[path] = command
        waiting += [(f"{path} {name}", inner) for name, inner in getattr(command, "commands", {}).items()]
    return found


COMMANDS = all_commands()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_every_option_has_help(path):
    assert COMMANDS[path].help, path
    for parameter in COMMANDS[path].params:
        assert getattr(parameter, "help", None), f"{path}: {parameter.name}"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_commands_help_teaches_with_an_example_and_names_its_exit_codes(path):
    shown = CliRunner().invoke(app, [*path.split()[1:], "--help"])

    assert shown.exit_code == 0
    assert f"\n     {path}" in shown.stdout.replace("│", " ")
    assert "Exit code: 0" in shown.stdout


@pytest.mark.parametrize("path", [path for path, command in COMMANDS.items() if hasattr(command, "commands")])
def test_without_a_command_the_help_is_shown(path, capsys):
    assert run(path.split()[1:], Command(environ={})) == 1
    assert "Usage:" in capsys.readouterr().out


def test_the_version_is_the_installed_packages(capsys):
    assert run(["--version"], Command(environ={})) == 0
    assert capsys.readouterr().out == f"model-tools {version('model-tools')}\n"


@pytest.mark.parametrize("path", ["plan", "publish", "watch", "invoke", "releases", "runtime build"])
def test_every_command_that_talks_to_aws_can_be_told_where_and_how_to_print(path):
    command = COMMANDS[f"model-tools {path}"]
    options = {option for parameter in command.params for option in parameter.opts}

    assert {"--endpoint-url", "--region", "--profile", "--stack", "--local", "--json", "--debug"} <= options
