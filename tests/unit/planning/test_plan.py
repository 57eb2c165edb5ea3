"""From facts to a plan."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from model_tools.errors import ModelTooLarge
from model_tools.formats.runtime_reference import Part, RuntimeReference
from model_tools.planning.bundles import KnownBundle
from model_tools.planning.messages import Measurement
from model_tools.planning.plan import Facts, PublicationPlan, assemble_plan, choose_lane, notes, size_memory
from model_tools.planning.prices import prices_of
from model_tools.release.lanes import MIB

BUNDLE = KnownBundle(
    RuntimeReference(
        name="torch", uri="s3://artifacts/runtimes/x.tar.zst", sha256="a" * 64, size=90 * MIB,
        unpacked_size=500 * MIB, serving=Part(sha256="b" * 64, size=80 * MIB, unpacked_size=380 * MIB),
        python="3.13", platform="x86_64", packages={"torch": "2.13.0"},
    ),
    Path("x.tar.zst"),
    "here",
)  # fmt: skip
FACTS = Facts(
    name="digits", task="image-classification", format="torchscript", release_id="digits-0123456789ab",
    checkpoint_bytes=45 * MIB, archive_bytes=42 * MIB, unpacked_bytes=46 * MIB, package_seconds=20.0,
    code_bytes=30 * MIB, bundle=BUNDLE, container_engine="docker",
)  # fmt: skip
MEASURED = Measurement(
    library_seconds=1.0, model_seconds=0.5, peak_bytes=700 * MIB, latency_ms=25.0, requests=40, largest_request=3000,
    largest_answer=100, refused=0,
)  # fmt: skip


def planned(
    facts: Facts = FACTS,
    measured: Measurement = MEASURED,
    *,
    with_bundle: bool = True,
    memory: int | None = None,
    region: str = "us-east-1",
) -> PublicationPlan:
    return assemble_plan(
        facts, choose_lane(facts), measured, "it", with_bundle=with_bundle, memory=memory, prices=prices_of(region)
    )


def test_memory_is_the_measured_peak_with_a_margin_in_whole_steps() -> None:
    memory = size_memory(700 * MIB, None)

    assert (memory.peak, memory.needed) == (700, 896)


def test_at_least_one_processor_is_recommended_and_planned_unless_less_is_asked_for() -> None:
    assert (size_memory(700 * MIB, None).recommended, size_memory(700 * MIB, None).planned) == (1769, 1769)
    assert size_memory(700 * MIB, 1024).planned == 1024
    assert size_memory(4000 * MIB, None).recommended == 5056


def test_memory_that_is_asked_for_and_too_little_is_refused_with_the_sizes() -> None:
    with pytest.raises(
        ModelTooLarge, match=r"700\.0 MB of memory at its peak, 896 MB with a margin, and 512 MB .*=896"
    ):
        size_memory(700 * MIB, 512)


def test_a_model_beyond_all_memory_fits_no_function() -> None:
    with pytest.raises(ModelTooLarge, match="10,240 MB at most"):
        size_memory(9000 * MIB, None)


def test_every_limit_says_what_is_used_of_it() -> None:
    limits = {limit.name: limit for limit in planned().limits}

    assert limits["disk (/tmp)"].used == 426 * MIB
    assert limits["disk (/tmp)"].limit == 512 * MIB
    assert limits["disk (/tmp)"].percent == pytest.approx(83.2, abs=0.1)
    assert limits["init"].used == 1.5
    assert limits["init"].limit == 130
    assert limits["code and layer, unzipped"].limit == 250 * MIB
    assert limits["tracing and proving"].used == 20.0


def test_a_model_that_outgrows_the_bundle_lane_is_planned_for_the_image_lane_without_snapshots() -> None:
    plan = planned(replace(FACTS, unpacked_bytes=600 * MIB))

    assert (plan.fit.lane, plan.fit.placement, plan.has_snapshots) == ("image", None, False)
    assert "600.0 MB" in plan.lane_reason
    assert {limit.name: limit.limit for limit in plan.limits}["init"] == 10
    assert (plan.cost.snapshot_month, plan.cost.restore) == (0, 0)
    assert "snapshots" in notes(plan)


def test_where_no_container_engine_is_the_image_lane_says_so() -> None:
    large = replace(FACTS, unpacked_bytes=600 * MIB)

    assert "engine" not in notes(planned(large))
    assert "no container engine" in notes(planned(replace(large, container_engine=None)))["engine"]
    assert "engine" not in notes(planned(replace(FACTS, container_engine=None)))


def test_a_model_that_fits_no_lane_is_refused() -> None:
    with pytest.raises(ModelTooLarge, match="the most there is"):
        choose_lane(replace(FACTS, unpacked_bytes=11_000 * MIB))


def test_a_placement_that_is_wanted_and_impossible_is_refused_not_worked_around() -> None:
    with pytest.raises(ModelTooLarge, match="RuntimePlacement"):
        choose_lane(replace(FACTS, unpacked_bytes=200 * MIB), wish="tmp")


def test_without_a_bundle_the_place_is_said_to_be_unknown() -> None:
    plan = planned(replace(FACTS, bundle=None))

    assert plan.fit.placement is None
    assert "No runtime bundle is known" in notes(plan)["runtime"]


def test_a_custom_model_is_planned_with_the_whole_bundle() -> None:
    assert planned().fit.placement == "tmp"
    assert planned(replace(FACTS, task="custom")).fit.placement == "memory"


def test_a_bundle_in_memory_that_could_not_be_measured_is_added_to_what_was() -> None:
    custom = replace(FACTS, task="custom")

    assert planned(custom).memory.peak == 700
    assert planned(custom, with_bundle=False).memory.peak == 700 + 500
    assert "500.0 MB" in notes(planned(custom, with_bundle=False))["bundle"]
    assert planned(with_bundle=False).memory.peak == 700  # it goes to /tmp


def test_what_the_figures_lack_is_noted() -> None:
    assert set(notes(planned())) == set()
    assert set(notes(planned(memory=1024, region="eu-west-1"))) == {"memory", "prices"}
    assert "2 of the samples" in notes(planned(measured=MEASURED.model_copy(update={"refused": 2})))["samples"]


def test_the_document_holds_everything_and_is_json() -> None:
    document = json.loads(json.dumps(planned().to_document()))

    assert document["model"]["release_id"] == "digits-0123456789ab"
    assert document["runtime"]["serving"]["unpacked_size"] == 380 * MIB
    assert document["runtime"]["found"] == "here"
    assert document["memory_mb"] == {"peak": 700, "needed": 896, "recommended": 1769, "planned": 1769}
    assert document["placement"] == "tmp"
    assert {"bytes", "limits", "cost_usd", "prices", "measurement", "lane_reason", "notes"} <= document.keys()
