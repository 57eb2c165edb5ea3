import json

import pytest

from model_tools.cli.main import run
from tests.support.fakes.aws_services import BUCKET, FakeExecutions, FakeFunction, FakeStack
from tests.support.fakes.execution_events import refused_before_traffic, released_by_canary

MANIFEST = """
name: digits
task: tensor
checkpoint: checkpoint.pt
inputs: [{shape: [1, 4]}]
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / "publish.yaml").write_text(MANIFEST)
    (folder / "checkpoint.pt").write_bytes(b"weights")
    return folder


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_uploaded_published_and_watched_until_it_is_live(folder, capsys):
    stack = FakeStack(executions=FakeExecutions(released_by_canary()))

    assert run(["publish", str(folder)], stack.command()) == 0

    ((name, request),) = stack.executions.started
    assert name == "digits-20260102-030405-ab12"
    assert request["model_uri"].startswith(f"s3://{BUCKET}/uploads/digits/")
    assert request["model_uri"].endswith("/")
    assert "rollout" not in request
    assert {key.rpartition("/")[2] for key in stack.uploads.stored} == {"publish.yaml", "checkpoint.pt"}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("uploaded 2 file(s), ")
    assert lines[-1] == "done in 38 s: alias live → version 4 (digits-1) is live"
    assert any("ResolveModel" in line and "4.0 s" in line for line in lines)
    assert any("10 % of the traffic goes to version 4" in line for line in lines)


def test_the_same_folder_again_sends_nothing_and_publishes_from_the_same_place(folder, capsys):
    stack = FakeStack(executions=FakeExecutions(released_by_canary()))
    run(["publish", str(folder), "--detach"], stack.command())
    capsys.readouterr()
    run(["publish", str(folder), "--detach"], stack.command())

    assert "uploaded 0 file(s), 0.0 kB (2 already there)" in capsys.readouterr().out
    first, second = (request["model_uri"] for _, request in stack.executions.started)
    assert first == second


def test_a_refused_publication_ends_with_1_and_says_that_traffic_is_untouched(folder, capsys):
    stack = FakeStack(executions=FakeExecutions(refused_before_traffic()))

    assert run(["publish", str(folder)], stack.command()) == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        "refused: ParityFailed: it answers otherwise; traffic untouched, version 4 (digits-1) still live"
    )


def test_a_broken_publication_ends_with_2(folder):
    stack = FakeStack(executions=FakeExecutions(refused_before_traffic("States.Timeout", "")))

    assert run(["publish", str(folder)], stack.command()) == 2


def test_for_machines_every_line_is_json_and_the_last_is_the_result(folder, capsys):
    stack = FakeStack(executions=FakeExecutions(released_by_canary()))

    assert run(["publish", str(folder), "--json"], stack.command()) == 0
    said = json_lines(capsys.readouterr().out)
    assert [document["event"] for document in said[:2]] == ["uploaded", "execution"]
    assert said[-1]["event"] == "result"
    assert said[-1]["status"] == "SUCCEEDED"
    assert {"finished", "started", "traffic"} <= {document.get("kind") for document in said}


def test_a_wrong_manifest_is_told_before_anything_is_connected(folder, capsys):
    (folder / "publish.yaml").write_text(MANIFEST.replace("task: tensor", "task: telepathy"))

    def connect(options, environ):
        raise AssertionError("nobody should have connected")

    assert run(["publish", str(folder)], FakeStack().command(connect=connect)) == 1
    assert "task" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "rollout"),
    [
        pytest.param(
            ["--step", "5", "--step", "25", "--bake", "60"], {"steps": [5, 25], "bake_seconds": 60}, id="steps and bake"
        ),
        pytest.param(["--rollout", "all-at-once"], {"strategy": "all-at-once"}, id="all at once"),
        pytest.param(["--bake", "0"], {"bake_seconds": 0}, id="no bake"),
    ],
)
def test_what_is_said_of_the_rollout_is_what_the_execution_gets(options, rollout):
    stack = FakeStack()

    assert run(["publish", "s3://bucket/runs/42/", "--detach", *options], stack.command()) == 0
    assert stack.executions.started[0][1]["rollout"] == rollout


@pytest.mark.parametrize(
    "options",
    [
        ["--step", "50", "--step", "10"],
        ["--step", "120"],
        ["--rollout", "all-at-once", "--step", "5"],
        ["--rollout", "bogus"],
        ["--name", "not a name"],
    ],
)
def test_a_rollout_or_name_that_cannot_be_is_refused_before_anything_starts(options):
    stack = FakeStack()

    assert run(["publish", "s3://bucket/runs/42/", *options], stack.command()) == 1
    assert not stack.executions.started


def test_a_model_in_s3_is_published_from_where_it_is():
    stack = FakeStack()

    assert run(["publish", "s3://bucket/runs/model v42.tar.gz", "--detach"], stack.command()) == 0
    ((name, request),) = stack.executions.started
    assert request["model_uri"] == "s3://bucket/runs/model v42.tar.gz"
    assert name == "model-v42-20260102-030405-ab12"
    assert not stack.uploads.stored


def test_an_s3_uri_without_a_key_is_refused(capsys):
    assert run(["publish", "s3://bucket"], FakeStack().command()) == 1
    assert "s3://bucket/folder/" in capsys.readouterr().err


def test_a_name_of_ones_own_is_kept():
    stack = FakeStack()

    run(["publish", "s3://bucket/m/", "--detach", "--name", "nightly-7"], stack.command())
    assert stack.executions.started[0][0] == "nightly-7"


def test_ctrl_c_stops_the_watching_and_says_how_to_go_on(folder, capsys):
    def press(look):
        if look == 2:
            raise KeyboardInterrupt

    stack = FakeStack(executions=FakeExecutions(released_by_canary(), on_look=press))

    assert run(["publish", str(folder), "--local", "--name", "mine"], stack.command()) == 130
    assert "model-tools watch mine --local" in capsys.readouterr().err


def test_the_last_line_tells_what_the_alias_says_and_not_what_was_hoped_for(folder, capsys):
    stack = FakeStack(executions=FakeExecutions(released_by_canary()), function=FakeFunction(live={"3": 0.5, "4": 0.5}))

    run(["publish", str(folder)], stack.command())
    assert "traffic is split: 50 % to version 3 and 50 % to version 4" in capsys.readouterr().out.splitlines()[-1]
