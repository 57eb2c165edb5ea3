"""A model's way to the alias, through the real state machine and the real functions."""

import base64
import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.support.integration.models import edit_manifest, sample_event, write_tensor_model
from tests.support.integration.stack import Stack, took_the_lease_over, until

FAST = {"steps": [10, 50], "bake_seconds": 30}
KEPT = 3
BOOTSTRAP = "1"
SLOW = {"steps": [50], "bake_seconds": 3600}
STEPS = {"resolve-model", "trace-model", "build-function", "smoke-test", "judge-canary", "prune-versions", "inference"}


def test_the_archive_is_what_tar_opens_and_its_proof_lies_beside_it(stack: Stack, digits: Path) -> None:
    ended = stack.publish(digits, rollout={"strategy": "all-at-once"})
    bucket, _, key = ended.output["archive_uri"].removeprefix("s3://").partition("/")
    folder = key.removesuffix("model.tar.gz")

    assert bucket == stack.outputs["ArtifactsBucketName"]
    listed = stack.s3.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
    assert {item["Key"].removeprefix(folder) for item in listed} == {"model.tar.gz", "samples.jsonl", "evidence.json"}
    archive = io.BytesIO(stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    with tarfile.open(fileobj=archive) as opened:
        assert {"model.pt", "classes.txt", "manifest.json"} <= set(opened.getnames())


def test_every_function_logs_which_execution_and_release_it_works_for(stack: Stack, tmp_path: Path) -> None:
    ended = stack.publish(write_tensor_model(tmp_path / "scale", seed=30), rollout={"strategy": "all-at-once"})

    assert ended.status == "SUCCEEDED", ended.cause
    told = {
        function for function in STEPS if (ended.name, ended.output["release_id"]) in stack.work_logged_by(function)
    }
    assert told == STEPS


def test_a_later_release_takes_over_step_by_step_under_traffic(
    stack: Stack, trained_digits: Callable[..., Path], tmp_path: Path
) -> None:
    champion = stack.publish(trained_digits(), rollout=FAST).output["version"]
    event = sample_event(trained_digits(), "three")
    better = trained_digits("--channels", "16", "--epochs", "10")
    answered: Counter[str] = Counter()
    failed: list[object] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            answer, version, error = stack.invoke(event)
            answered[version] += 1
            if error or answer.get("class") != "three":
                failed.append(answer)

    users = threading.Thread(target=keep_asking)
    users.start()
    try:
        ended = stack.publish(better, rollout={"steps": [10, 50], "bake_seconds": 120})
    finally:
        done.set()
        users.join()

    assert ended.status == "SUCCEEDED", ended.cause
    assert [state for state in ended.states if state in {"ShiftTraffic", "Bake"}] == [
        "ShiftTraffic",
        "Bake",
        "ShiftTraffic",
        "Bake",
        "ShiftTraffic",
    ]
    assert failed == []
    assert answered[champion] > 0
    assert answered[ended.output["version"]] > 0
    assert stack.alias() == (ended.output["version"], {})


def test_the_same_checkpoint_again_is_answered_with_the_finished_release(stack: Stack, tmp_path: Path) -> None:
    model = write_tensor_model(tmp_path / "scale", seed=1)
    uri = stack.upload(model)
    first = stack.publish(uri, rollout=FAST)
    versions = stack.versions()

    again = stack.publish(uri, rollout=FAST)
    elsewhere = stack.publish(model, rollout=FAST)

    assert first.output["status"] == "LIVE"
    assert again.output == elsewhere.output == first.output | {"status": "ALREADY_LIVE"}
    assert "TraceAndPackageModel" not in again.states
    assert stack.versions() == versions
    assert stack.lease_is_free()


def test_two_publications_at_once_take_turns(stack: Stack, tmp_path: Path) -> None:
    one = stack.start(write_tensor_model(tmp_path / "one", seed=2), rollout={"strategy": "all-at-once"})
    two = stack.start(write_tensor_model(tmp_path / "two", seed=3), rollout={"strategy": "all-at-once"})

    ended = [stack.wait(one), stack.wait(two)]

    assert [each.status for each in ended] == ["SUCCEEDED", "SUCCEEDED"], [each.cause for each in ended]
    assert any("WaitForLease" in each.states for each in ended)
    assert stack.alias()[0] in {each.output["version"] for each in ended}


def test_a_publication_that_was_stopped_half_way_is_cleared_up_by_the_next(
    stack: Stack, champion: str, tmp_path: Path
) -> None:
    stopped = stack.start(write_tensor_model(tmp_path / "one", seed=5), rollout=SLOW)
    stack.wait_for_state(stopped, "Bake")
    _, weights = stack.alias()
    (abandoned,) = weights
    stack.sfn.stop_execution(executionArn=stopped)

    ended = stack.publish(write_tensor_model(tmp_path / "two", seed=6), rollout=FAST)

    assert ended.status == "SUCCEEDED", ended.cause
    assert took_the_lease_over(stack, ended)
    assert "ClearAbandonedCanary" in ended.states
    assert stack.alias() == (ended.output["version"], {})
    assert abandoned not in stack.versions()
    assert champion in stack.versions()


def test_a_candidate_that_fails_users_requests_gives_all_traffic_back(
    stack: Stack, champion: str, tmp_path: Path
) -> None:
    execution = stack.start(write_tensor_model(tmp_path / "one", seed=8), rollout={"steps": [50], "bake_seconds": 300})
    stack.wait_for_state(execution, "Bake")
    (candidate,) = stack.alias()[1]
    breaks_the_model = {"inputs": [[[0.0, 0.0, 0.0, 0.0]], [99]]}
    until(lambda: stack.invoke(breaks_the_model)[1:] == (candidate, "Unhandled"))

    ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", "CanaryFailed")
    assert f"Version {candidate} failed" in ended.cause
    assert stack.alias() == (champion, {})
    assert candidate not in stack.versions()
    assert stack.lease_is_free()
    assert stack.record(f"release#{ended.name}")["error"] == "CanaryFailed"


def test_somebody_elses_decision_about_the_alias_stands(stack: Stack, champion: str, tmp_path: Path) -> None:
    execution = stack.start(write_tensor_model(tmp_path / "one", seed=10), rollout={"steps": [50], "bake_seconds": 300})
    stack.wait_for_state(execution, "Bake")
    (candidate,) = stack.alias()[1]
    stack.lambda_.update_alias(
        FunctionName=stack.function,
        Name="live",
        FunctionVersion=champion,
        RoutingConfig={"AdditionalVersionWeights": {candidate: 0.25}},
    )

    ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", "AliasChanged")
    assert stack.alias() == (champion, {candidate: 0.25})
    assert candidate in stack.versions()
    assert stack.lease_is_free()
    stack.lambda_.update_alias(
        FunctionName=stack.function,
        Name="live",
        FunctionVersion=champion,
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


def test_only_so_many_versions_are_kept_to_go_back_to(stack: Stack, tmp_path: Path) -> None:
    for seed in range(20, 21 + KEPT):
        model = write_tensor_model(tmp_path / str(seed), seed=seed)
        stack.publish(model, rollout={"strategy": "all-at-once"})
        released = stack.released_versions()
        if len(released) > KEPT:
            break

    assert len(released) > KEPT
    assert stack.versions() == {BOOTSTRAP, *released[:KEPT]}


def test_requests_over_http_events_are_answered_and_bad_ones_are_no_function_errors(stack: Stack, digits: Path) -> None:
    stack.publish(digits, rollout={"strategy": "all-at-once"})
    event = json.loads((Path(__file__).parents[1] / "events" / "http_api.json").read_text())
    good = event | {"body": json.dumps(sample_event(digits, "two")), "isBase64Encoded": False}
    encoded = event | {"body": base64.b64encode(good["body"].encode()).decode(), "isBase64Encoded": True}
    bad = event | {"body": '{"image": "no base64!"}', "isBase64Encoded": False}

    for each in (good, encoded):
        answer, _, error = stack.invoke(each)
        assert (answer["statusCode"], json.loads(answer["body"])["class"], error) == (200, "two", None)
    answer, _, error = stack.invoke(bad)
    assert (answer["statusCode"], error) == (400, None)


def test_a_manifest_edit_is_a_new_release(stack: Stack, digits: Path) -> None:
    first = stack.publish(digits, rollout={"strategy": "all-at-once"})
    second = stack.publish(edit_manifest(digits, optimize={"freeze": False}), rollout={"strategy": "all-at-once"})

    assert second.output["release_id"] != first.output["release_id"]
