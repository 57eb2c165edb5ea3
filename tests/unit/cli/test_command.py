import typer
from typer.testing import CliRunner

from model_tools.cli.command import Command, with_connection_options, with_output_options
from model_tools.cli.connection import ConnectionOptions


def run(function, *arguments):
    """Run a program that is one command; return the `Command` that its options set up, and the exit code."""
    app = typer.Typer()
    app.command()(function)
    command = Command(environ={})
    return command, CliRunner().invoke(app, arguments, obj=command).exit_code


def test_a_command_is_set_up_by_the_options_that_commands_share():
    got = []

    @with_connection_options
    def show(command: Command, *, limit: int = 20) -> None:
        got.extend([command, limit])

    options = ["--endpoint-url", "http://127.0.0.1:1", "--region", "eu-west-1", "--profile", "work", "--stack", "mine"]
    command, code = run(show, *options, "--local", "--json", "--debug", "--limit", "3")

    assert code == 0
    assert got == [command, 3]
    assert command.options == ConnectionOptions("http://127.0.0.1:1", "eu-west-1", "work", "mine", local=True)
    assert (command.output.as_json, command.debug) == (True, True)


def test_without_options_a_command_runs_where_the_environment_says_and_prints_words():
    @with_connection_options
    def show(command: Command) -> None:
        pass

    command, code = run(show)

    assert code == 0
    assert command.options == ConnectionOptions()
    assert (command.output.as_json, command.debug) == (False, False)


def test_a_commands_own_option_replaces_the_shared_one_and_both_get_its_value():
    got = []

    @with_connection_options
    def show(command: Command, *, region: str = "here") -> None:
        got.append((region, command.options.region))

    run(show, "--region", "there")
    run(show)

    assert got == [("there", "there"), ("here", "here")]


def test_a_command_that_asks_nothing_of_aws_has_the_output_options_alone():
    @with_output_options
    def show(command: Command) -> None:
        pass

    command, code = run(show, "--json")

    assert code == 0
    assert command.output.as_json
    assert run(show, "--stack", "mine")[1] != 0


def test_options_in_messages_can_be_pasted_into_a_shell():
    options = ConnectionOptions(profile="my work", stack="mine", local=True)

    assert options.to_arguments() == " --profile 'my work' --stack mine --local"
