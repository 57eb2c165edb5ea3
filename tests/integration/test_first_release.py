"""A stack of its own, from the day that it was deployed to its first release."""

from pathlib import Path

import pytest

from emulator.server import Emulator
from tests.support.integration.models import sample_event
from tests.support.integration.stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture
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
