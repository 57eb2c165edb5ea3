import base64
import io
import json

import pytest

from model_tools.aws.functions import Reply
from model_tools.cli.main import run
from tests.support.fakes.aws_services import FakeFunction, FakeStack


def test_the_answer_and_the_version_that_gave_it_are_printed(capsys):
    stack = FakeStack()

    assert run(["invoke", "--payload", '{"input": [[1]]}'], stack.command()) == 0
    assert stack.function.asked == [({"input": [[1]]}, "live")]
    out = capsys.readouterr().out
    assert '"class": "seven"' in out
    assert "answered by version 4" in out


def test_an_image_is_sent_as_base64(tmp_path):
    (tmp_path / "seven.png").write_bytes(b"\x89PNG")
    stack = FakeStack()

    run(["invoke", "--image", str(tmp_path / "seven.png"), "--qualifier", "7"], stack.command())
    assert stack.function.asked == [({"image": base64.b64encode(b"\x89PNG").decode()}, "7")]


def test_a_text_is_sent_as_the_request():
    stack = FakeStack()

    run(["invoke", "--text", "zweiundvierzig"], stack.command())
    assert stack.function.asked == [({"text": "zweiundvierzig"}, "live")]


def test_a_sample_of_a_model_can_be_asked_as_it_is(tmp_path):
    sample = tmp_path / "seven.json"
    sample.write_text(json.dumps({"event": {"image": "aGk="}, "expect": {"class": "seven"}}))
    stack = FakeStack()

    run(["invoke", "--event", str(sample)], stack.command())
    assert stack.function.asked == [({"image": "aGk="}, "live")]


def test_an_event_file_is_sent_as_it_is(tmp_path):
    event = tmp_path / "http.json"
    event.write_text(json.dumps({"version": "2.0", "event": 1}))
    stack = FakeStack()

    run(["invoke", "--event", str(event)], stack.command())
    assert stack.function.asked == [({"version": "2.0", "event": 1}, "live")]


def test_an_event_comes_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"input": 1}'))
    stack = FakeStack()

    run(["invoke", "--event", "-"], stack.command())
    assert stack.function.asked == [({"input": 1}, "live")]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(Reply({"statusCode": 400, "error": "BadRequest"}, "4", None), 1, id="400"),
        pytest.param(Reply({"statusCode": 503, "error": "NothingPublished"}, "1", None), 2, id="503"),
        pytest.param(
            Reply({"errorType": "Runtime.ExitError", "errorMessage": "x"}, "4", "Unhandled"), 2, id="function error"
        ),
        pytest.param(Reply({"statusCode": 200, "body": "{}"}, "4", None), 0, id="200"),
        pytest.param(Reply([1, 2], "4", None), 0, id="no object"),
    ],
)
def test_the_exit_code_tells_a_wrong_request_from_a_broken_function(reply, code):
    assert run(["invoke", "--payload", "{}"], FakeStack(function=FakeFunction(reply=reply)).command()) == code


def test_for_machines_there_is_one_document(capsys):
    run(["invoke", "--payload", "{}", "--json"], FakeStack().command())

    said = json.loads(capsys.readouterr().out)
    assert said["answer"]["class"] == "seven"
    assert said["executed_version"] == "4"
    assert said["function_error"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "exactly one", id="nothing"),
        pytest.param(["--payload", "{}", "--event", "x"], "exactly one", id="two requests"),
        pytest.param(["--payload", "{not json"], "is not JSON", id="no JSON"),
        pytest.param(["--event", "/nowhere.json"], "cannot be read", id="no such event"),
        pytest.param(["--image", "/nowhere.png"], "cannot be read", id="no such image"),
    ],
)
def test_a_request_that_cannot_be_sent_says_what_to_do(arguments, told, capsys):
    stack = FakeStack()

    assert run(["invoke", *arguments], stack.command()) == 1
    assert told in capsys.readouterr().err
    assert not stack.function.asked
