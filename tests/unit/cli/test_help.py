import pytest
import typer
from typer.testing import CliRunner

from model_tools.cli.main import app

GROUP = typer.main.get_command(app)


def all_commands() -> list[tuple[str, object]]:
    found, waiting = [], [("model-tools", GROUP)]
    while waiting:
        path, command = waiting.pop()
        found.append((path, command))
        waiting += [(f"{path} {name}", inner) for name, inner in getattr(command, "commands", {}).items()]
    return found


@pytest.mark.parametrize(("path", "command"), all_commands())
def test_every_command_and_every_option_has_help(path, command):
    assert command.help, path
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{path}: {parameter.name}"


@pytest.mark.parametrize(
    ("path", "command"), [(path, command) for path, command in all_commands() if not hasattr(command, "commands")]
)
def test_every_commands_help_teaches_with_an_example_and_names_its_exit_codes(path, command):
    shown = CliRunner().invoke(app, [*path.split()[1:], "--help"])

    assert shown.exit_code == 0
    assert f"\n     {path}" in shown.stdout.replace("│", " ")
    assert "Exit code: 0" in shown.stdout


@pytest.mark.parametrize("path", ["plan", "publish", "watch", "invoke", "releases", "runtime build"])
def test_every_command_that_talks_to_aws_can_be_told_where_and_how_to_print(path):
    command = dict(all_commands())[f"model-tools {path}"]
    options = {option for parameter in command.params for option in parameter.opts}

    assert {"--endpoint-url", "--region", "--profile", "--stack", "--local", "--json", "--debug"} <= options
