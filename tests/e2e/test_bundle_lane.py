"""Models whose library comes in a runtime bundle, in /tmp and in memory: as on AWS, and as in the demo."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.e2e.local_up import ROOT, Local, running

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """An emulator whose functions have no library installed; these small models leave room for it in /tmp."""
    with running(tmp_path_factory.mktemp("home")) as local:
        yield local


def publish(local: Local, example: str) -> dict[str, Any]:
    done = local.run("model-tools", "publish", str(EXAMPLES / example), "--local", "--rollout", "all-at-once", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def ask(local: Local, example: str, sample: str) -> dict[str, Any]:
    event = EXAMPLES / example / "samples" / f"{sample}.json"
    done = local.run("model-tools", "invoke", "--local", "--event", str(event), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["answer"]


def log_of(local: Local, field: str) -> set[str]:
    """Return the values that a field has in the inference function's log."""
    group = f"/aws/lambda/{local.outputs['InferenceFunctionName']}"
    events = local.aws("logs", "filter-log-events", "--log-group-name", group)["events"]
    lines = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
    return {str(line[field]) for line in lines if field in line}


def test_torch_comes_in_its_bundle(local: Local) -> None:
    publish(local, "digits")

    assert ask(local, "digits", "four")["class"] == "four"
    assert log_of(local, "runtime_placement") == {"tmp"}


def test_xgboost_comes_in_a_bundle_without_torch(local: Local) -> None:
    publish(local, "wine")

    answer = ask(local, "wine", "barolo")
    assert (answer["class"], answer["library"]) == ("barolo", "xgboost 3.2.0")


def test_a_predictor_has_the_whole_bundle_to_import_from(local: Local) -> None:
    publish(local, "domains")

    assert ask(local, "domains", "hexadecimal")["generated"] is True


def test_a_bundle_in_memory_serves_as_well(tmp_path: Path) -> None:
    with running(tmp_path, "--parameter", "RuntimePlacement=memory") as local:
        publish(local, "digits")

        assert ask(local, "digits", "four")["class"] == "four"
        assert log_of(local, "runtime_placement") == {"memory"}
