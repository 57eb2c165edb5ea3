"""The command line and plain AWS clients against `model-tools local up`, as a user meets them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.e2e.local_up import ROOT, Local, running, start


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with running(tmp_path_factory.mktemp("home"), "--lane", "image") as local:
        yield local


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "digits"
    script = ROOT / "examples" / "digits" / "train.py"
    subprocess.run([sys.executable, script, "--output", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def published(local: Local, digits: Path) -> dict[str, Any]:
    """Publish the digits model by the command line; return its execution and what the last line says, in one."""
    done = local.run("model-tools", "publish", str(digits), "--local", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (execution,) = (line["name"] for line in lines if line.get("event") == "execution")
    return {"execution": execution, **lines[-1]}


def event_of(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / "samples" / f"{name}.json").read_text())["event"]


def test_a_published_model_is_live_and_answers(
    local: Local, published: dict[str, Any], digits: Path, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(event_of(digits, "four")))

    done = local.run("model-tools", "invoke", "--local", "--event", str(event), "--json")

    assert done.returncode == 0, done.stderr
    assert '"four"' in done.stdout


def test_a_refusal_exits_1_and_says_why_and_what_is_live_still(
    local: Local, published: dict[str, Any], digits: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", digits, broken], check=True)
    (broken / "classes.txt").write_text((broken / "classes.txt").read_text() + "ten\n")

    done = local.run("model-tools", "publish", str(broken), "--local")
    listed = local.run("model-tools", "releases", "--local", "--json")

    assert done.returncode == 1
    assert "ClassesMismatch" in done.stdout + done.stderr
    assert "still live" in done.stdout + done.stderr
    newest, *_ = json.loads(listed.stdout)["releases"]
    assert (newest["status"], newest["version"]) == ("FAILED", None)
    assert newest["error"].startswith("ClassesMismatch")


def test_releases_shows_what_is_live(local: Local, published: dict[str, Any]) -> None:
    done = local.run("model-tools", "releases", "--local")

    assert done.returncode == 0
    (live,) = (line for line in done.stdout.splitlines() if "LIVE" in line)
    assert published["release_id"] in live
    assert "100" in live


def test_watch_tells_the_states_of_an_execution_that_has_ended(local: Local, published: dict[str, Any]) -> None:
    done = local.run("model-tools", "watch", published["execution"], "--local")

    assert done.returncode == 0
    assert "TraceAndPackageModel" in done.stdout


def test_plain_aws_clients_publish_follow_and_ask(
    local: Local, published: dict[str, Any], digits: Path, tmp_path: Path
) -> None:
    uri = f"s3://{local.outputs['CheckpointsBucketName']}/by-hand/digits/"
    assert (
        local.run("aws", "--endpoint-url", local.endpoint_url, "s3", "cp", "--recursive", str(digits), uri).returncode
        == 0
    )

    started = local.aws(
        "stepfunctions", "start-execution",
        "--state-machine-arn", local.outputs["PublishStateMachineArn"],
        "--input", json.dumps({"model_uri": uri}),
    )  # fmt: skip
    local.run("model-tools", "watch", started["executionArn"], "--local")
    history = local.aws("stepfunctions", "get-execution-history", "--execution-arn", started["executionArn"])
    entered = [e["stateEnteredEventDetails"]["name"] for e in history["events"] if "stateEnteredEventDetails" in e]
    assert entered[:3] == ["ReceiveRequest", "ResolveModel", "AcquireLease"]
    assert history["events"][-1]["type"] == "ExecutionSucceeded"

    payload, answer = tmp_path / "payload.json", tmp_path / "answer.json"
    payload.write_text(json.dumps(event_of(digits, "nine")))
    called = local.aws(
        "lambda", "invoke", "--function-name", f"{local.outputs['InferenceFunctionName']}:live",
        "--payload", f"fileb://{payload}", str(answer),
    )  # fmt: skip
    assert json.loads(answer.read_text())["class"] == "nine"
    assert called["ExecutedVersion"] == json.loads(answer.read_text())["version"]


def test_the_stack_shows_its_outputs_to_plain_clients(local: Local) -> None:
    (stack,) = local.aws("cloudformation", "describe-stacks", "--stack-name", "model-tools")["Stacks"]

    assert {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]} == local.outputs


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, processes_of: Callable[[str], list[str]]) -> None:
    started = start(tmp_path, "--lane", "image")
    endpoint = f"AWS_ENDPOINT_URL={started.endpoint_url}"
    try:
        started.aws("lambda", "invoke", "--function-name", started.outputs["LiveAliasArn"], str(tmp_path / "answer"))
        (tmp_path / "answer").unlink()
        assert processes_of(endpoint), "a function's process is there"
    finally:
        started.process.send_signal(signal.SIGINT)

    assert started.process.wait(timeout=60) == 0
    assert processes_of(endpoint) == processes_of(f"XDG_RUNTIME_DIR={tmp_path}") == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    gone = started.run("model-tools", "releases", "--local")
    assert gone.returncode != 0
    assert "model-tools local up" in gone.stdout + gone.stderr


@pytest.fixture
def processes_of() -> Callable[[str], list[str]]:
    """Return the command lines of all processes that have a variable in their environment."""

    def look(variable: str) -> list[str]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return found

    return look
