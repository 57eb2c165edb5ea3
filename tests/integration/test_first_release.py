"""A stack of its own, from the day that it was deployed to its first release."""

import io
import tarfile
from pathlib import Path

import pytest

from emulator.server import Emulator
from tests.support.integration.models import sample_event
from tests.support.integration.stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def new_stack(emulator: Emulator) -> Stack:
    return Stack(emulator, emulator.deploy(ROOT / "template.yaml", stack_name="new"))


def test_nothing_is_published_at_first_and_the_first_release_goes_straight_to_all_traffic(
    new_stack: Stack, digits: Path
) -> None:
    event = sample_event(digits, "seven")
    answer, _, error = new_stack.invoke(event)
    assert (answer["statusCode"], answer["error"], error) == (503, "NothingPublished", None)

    ended = new_stack.publish(digits, rollout={"steps": [10, 50], "bake_seconds": 30})

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["status"] == "LIVE"
    assert "SmokeTestVersion" in ended.states
    assert "Bake" not in ended.states
    live = ended.output["version"]
    assert new_stack.alias() == (live, {})
    answer, version, error = new_stack.invoke(event)
    assert (answer["class"], answer["version"], version, error) == ("seven", live, live, None)
    assert new_stack.record("live")["release_id"] == ended.output["release_id"]
    assert new_stack.record(f"release#{ended.name}")["status"] == "RELEASED"
    assert new_stack.lease_is_free()


def test_the_archive_is_what_tar_opens_and_its_proof_lies_beside_it(new_stack: Stack, digits: Path) -> None:
    ended = new_stack.publish(digits, rollout={"strategy": "all-at-once"})
    bucket, _, key = ended.output["archive_uri"].removeprefix("s3://").partition("/")
    folder = key.removesuffix("model.tar.gz")

    assert bucket == new_stack.outputs["ArtifactsBucketName"]
    listed = new_stack.s3.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
    assert {item["Key"].removeprefix(folder) for item in listed} == {"model.tar.gz", "samples.jsonl", "evidence.json"}
    archive = io.BytesIO(new_stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    with tarfile.open(fileobj=archive) as opened:
        assert {"model.pt", "classes.txt", "manifest.json"} <= set(opened.getnames())
