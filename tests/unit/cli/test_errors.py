import json

import pytest

from model_tools.aws.faults import CallFailed, CallRefused
from model_tools.cli.errors import UserError, is_refusal, report_on
from model_tools.cli.main import run
from model_tools.errors import ManifestInvalid, ServiceUnavailable
from tests.support.fakes.aws_services import FakeStack


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(UserError("x"), 1, id="UserError"),
        pytest.param(ManifestInvalid("x"), 1, id="ManifestInvalid"),
        pytest.param(CallRefused("x"), 1, id="CallRefused"),
        pytest.param(CallFailed("x"), 2, id="CallFailed"),
        pytest.param(ServiceUnavailable("x"), 2, id="ServiceUnavailable"),
        pytest.param(KeyError("x"), 2, id="KeyError"),
    ],
)
def test_an_exit_code_says_whose_fault_it_was(error, code):
    assert report_on(error).code == code


def test_a_bug_says_that_it_is_one_and_how_to_report_it():
    assert "bug in model-tools" in report_on(KeyError("x")).message
    assert "--debug" in report_on(KeyError("x")).message


@pytest.mark.parametrize(
    ("error", "refused"),
    [("ParityFailed", True), ("States.Timeout", False), ("ServiceUnavailable", False), ("PublishErrors", False)],
)
def test_a_publication_is_refused_by_our_own_errors_alone(error, refused):
    assert is_refusal(error) is refused


def broken_command():
    def connect(options, environ):
        raise ZeroDivisionError("nobody expected this")

    return FakeStack().command(connect=connect)


def test_a_bug_shows_its_traceback_only_when_asked(capsys):
    assert run(["releases"], broken_command()) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert run(["releases", "--debug"], broken_command()) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_error_for_a_machine_is_json(capsys):
    assert run(["releases", "--json"], broken_command()) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["event"] == "error"
    assert said["error"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["bogus"], id="unknown command"),
        pytest.param(["publish"], id="no model"),
        pytest.param(["publish", "x", "--bake", "soon"], id="no number"),
        pytest.param([], id="nothing"),
    ],
)
def test_a_command_line_that_is_not_understood_ends_with_1(arguments):
    assert run(arguments, FakeStack().command()) == 1


def test_help_ends_with_0(capsys):
    assert run(["publish", "--help"], FakeStack().command()) == 0
    assert "publish.yaml" in capsys.readouterr().out
