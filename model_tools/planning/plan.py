"""Makes a plan from the facts about a model: lane, place, memory, limits with their margins, and costs. Pure."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from model_tools.errors import ModelTooLarge
from model_tools.formats.archive import Format
from model_tools.formats.manifest import TaskName
from model_tools.formats.sizes import MIB, size_text
from model_tools.planning.bundles import KnownBundle
from model_tools.planning.cost import FULL_PROCESSOR_MB, Cost, cost_of
from model_tools.planning.messages import Measurement
from model_tools.planning.prices import PAGE, Prices
from model_tools.release.lanes import (
    LARGEST_MEMORY,
    LARGEST_TMP,
    WHERE,
    Fit,
    ModelSizes,
    fit,
)
from model_tools.runtime.placement import TMP_OVERHEAD, TMP_WITH_SNAPSHOT, PlacementWish
from model_tools.tasks.registry import spec_of

MARGIN = 1.25
"""The factor on the measured peak of memory, for batches of requests, larger inputs and fragmentation."""
LEAST_MEMORY_MB = 512
"""The smallest value of the stack's parameter InferenceMemorySize."""
MEMORY_STEP_MB = 64
"""Needed memory is rounded up to a multiple of this; Lambda itself takes any number of MB."""
UNZIPPED_CODE = 250 * MIB
"""Lambda's limit for a zip function with its layers, unzipped [gettingstarted-limits]."""
IMAGE_BYTES = 10_240 * MIB
"""Lambda's limit for a container image [gettingstarted-limits]."""
PAYLOAD_BYTES = 6 * MIB
"""Lambda's limit for a request and for a response [gettingstarted-limits]."""
INIT_WITH_SNAPSHOT, INIT_WITHOUT = 130.0, 10.0
"""The seconds that a function's init may take, with SnapStart [snapstart] and without [lambda-runtime-environment]."""
ANSWER_SECONDS = 30.0
"""The inference function's timeout in template.yaml."""
TRACE_SECONDS = 900.0
"""The tracing function's timeout in template.yaml, and Lambda's limit [gettingstarted-limits]."""

Unit = Literal["bytes", "seconds"]


@dataclass(frozen=True)
class Facts:
    """The facts about a model that were found on this machine."""

    name: str
    task: TaskName
    format: Format
    release_id: str
    checkpoint_bytes: int
    archive_bytes: int
    unpacked_bytes: int
    package_seconds: float
    code_bytes: int | None
    """The unzipped size of the layer and the function; None if it is not known."""
    bundle: KnownBundle | None
    container_engine: str | None
    """The program that can build an image on this machine; None if there is none."""


@dataclass(frozen=True)
class Limit:
    """One of Lambda's limits, and the model's use of it."""

    name: str
    used: float | None
    """The model's use in the limit's unit; None if it is not known."""
    limit: float
    unit: Unit

    @property
    def percent(self) -> float | None:
        """The model's use in percent of the limit; None if it is not known."""
        return None if self.used is None else 100 * self.used / self.limit


@dataclass(frozen=True)
class Memory:
    """The memory that the function needs, in MB."""

    peak: int
    """The measured peak, rounded up."""
    needed: int
    """The peak with a margin."""
    recommended: int
    """The memory with which a function has at least one whole processor."""
    planned: int
    """The memory that the plan's costs are for: the requested one, else the recommended one."""


@dataclass(frozen=True)
class PublicationPlan:
    """The sizes, places, limits and costs of a publication."""

    facts: Facts
    fit: Fit
    lane_reason: str
    has_snapshots: bool
    measurement: Measurement
    measured_with: str
    unmeasured_bytes: int
    """The size of a bundle that will be held in memory but was not measured, since the model was served without it."""
    memory: Memory
    limits: tuple[Limit, ...]
    cost: Cost
    prices: Prices

    def to_document(self) -> dict[str, Any]:
        """Return the plan for machines, in bytes, seconds, milliseconds, MB of memory and US dollars."""
        facts, bundle = self.facts, self.facts.bundle
        return {
            "model": {"name": facts.name, "task": facts.task, "format": facts.format, "release_id": facts.release_id},
            "bytes": {
                "checkpoint": facts.checkpoint_bytes,
                "archive": facts.archive_bytes,
                "unpacked": facts.unpacked_bytes,
            },
            "package_seconds": facts.package_seconds,
            "lane": self.fit.lane,
            "lane_reason": self.lane_reason,
            "placement": self.fit.placement,
            "placement_reason": self.fit.reason,
            "has_snapshots": self.has_snapshots,
            "runtime": None if bundle is None else {**bundle.reference.model_dump(mode="json"), "found": bundle.origin},
            "measurement": {**self.measurement.model_dump(mode="json"), "with": self.measured_with},
            "unmeasured_bytes": self.unmeasured_bytes,
            "memory_mb": asdict(self.memory),
            "limits": [{**asdict(limit), "percent": limit.percent} for limit in self.limits],
            "cost_usd": asdict(self.cost),
            "prices": asdict(self.prices),
            "container_engine": facts.container_engine,
            "notes": notes(self),
        }


def choose_lane(facts: Facts, *, wish: PlacementWish = "auto") -> tuple[Fit, str]:
    """Return the lane for the model, as its fit, and the reason for that lane.

    The bundle lane is taken if possible; a model that outgrows its /tmp goes into an image. Raises ModelTooLarge for a
    model that fits neither lane, or for which the wished placement is not possible.
    """
    sizes = ModelSizes(facts.unpacked_bytes, facts.archive_bytes)
    try:
        found = fit(
            sizes, facts.bundle.reference if facts.bundle else None, part=spec_of(facts.task).bundle_part, wish=wish
        )
    except ModelTooLarge as error:
        if facts.unpacked_bytes + TMP_OVERHEAD <= TMP_WITH_SNAPSHOT:
            raise
        return fit(sizes, None, lane="image", tmp=LARGEST_TMP), str(error)
    return found, "the model fits it"


def size_memory(peak_bytes: int, asked: int | None) -> Memory:
    """Return the memory for a function whose process had this peak; `asked` are the MB that a user wants.

    Raises ModelTooLarge if no function has enough memory, or if the `asked` MB are too few.
    """
    needed = max(LEAST_MEMORY_MB, math.ceil(peak_bytes * MARGIN / MIB / MEMORY_STEP_MB) * MEMORY_STEP_MB)
    told = f"The model takes {size_text(peak_bytes)} of memory at its peak, {needed:,} MB with a margin"
    if needed > LARGEST_MEMORY // MIB:
        raise ModelTooLarge(
            f"{told}, and a Lambda function has {LARGEST_MEMORY // MIB:,} MB at most: quantise it (optimize.quantize), "
            "or publish a smaller model."
        )
    if asked is not None and asked < needed:
        raise ModelTooLarge(
            f"{told}, and {asked:,} MB were asked for: deploy with InferenceMemorySize={needed} or more, or quantise "
            "it (optimize.quantize)."
        )
    recommended = max(needed, FULL_PROCESSOR_MB)
    return Memory(math.ceil(peak_bytes / MIB), needed, recommended, asked or recommended)


def assemble_plan(
    facts: Facts,
    lane: tuple[Fit, str],
    measurement: Measurement,
    measured_with: str,
    *,
    with_bundle: bool,
    memory: int | None,
    prices: Prices,
) -> PublicationPlan:
    """Return the plan; `with_bundle` tells whether the measured process had its library from the bundle.

    Raises ModelTooLarge for a model that no function, or no function with `memory` MB, can hold.
    """
    found, lane_reason = lane
    unmeasured = 0
    if facts.bundle is not None and found.placement == "memory" and not with_bundle:
        unmeasured = facts.bundle.reference.part(spec_of(facts.task).bundle_part).unpacked_size
    sized = size_memory(measurement.peak_bytes + unmeasured, memory)
    has_snapshots = found.tmp_used <= TMP_WITH_SNAPSHOT
    cost = cost_of(sized.planned, measurement.latency_ms, prices if has_snapshots else _without_snapshots(prices))
    limits = _limits(facts, found, measurement, sized, has_snapshots=has_snapshots)
    return PublicationPlan(
        facts, found, lane_reason, has_snapshots, measurement, measured_with, unmeasured, sized, limits, cost, prices
    )  # fmt: skip


def _limits(
    facts: Facts, found: Fit, measurement: Measurement, memory: Memory, *, has_snapshots: bool
) -> tuple[Limit, ...]:
    init = measurement.library_seconds + measurement.model_seconds
    code = (
        Limit("code and layer, unzipped", facts.code_bytes, UNZIPPED_CODE, "bytes")
        if found.lane == "bundle"
        else Limit("container image", None, IMAGE_BYTES, "bytes")
    )
    return (
        code,
        Limit("disk (/tmp)", found.tmp_used, found.tmp, "bytes"),
        Limit("memory", memory.needed * MIB, LARGEST_MEMORY, "bytes"),
        Limit("largest sample", measurement.largest_request, PAYLOAD_BYTES, "bytes"),
        Limit("largest answer", measurement.largest_answer, PAYLOAD_BYTES, "bytes"),
        Limit("init", init, INIT_WITH_SNAPSHOT if has_snapshots else INIT_WITHOUT, "seconds"),
        Limit("an answer", measurement.latency_ms / 1000, ANSWER_SECONDS, "seconds"),
        Limit("tracing and proving", facts.package_seconds, TRACE_SECONDS, "seconds"),
    )


def _without_snapshots(prices: Prices) -> Prices:
    return Prices(**{**asdict(prices), "cached_gb_second": 0.0, "restored_gb": 0.0})


def notes(plan: PublicationPlan) -> dict[str, str]:
    """Return remarks that a reader of the plan must know, by their subject."""
    told = {}
    if plan.facts.bundle is None and plan.fit.lane == "bundle":
        told["runtime"] = (
            "No runtime bundle is known here, so its place is not: build one with `model-tools runtime build`, or name "
            "a folder (--with-runtime) or a stack (--stack, --local)."
        )
    if plan.fit.lane == "image" and plan.facts.container_engine is None:
        told["engine"] = (
            "There is no container engine on this machine (docker, podman, finch, buildah): build the image on one "
            f"that has one ({WHERE})."
        )
    if plan.memory.planned < FULL_PROCESSOR_MB:
        told["memory"] = f"Below {FULL_PROCESSOR_MB:,} MB a function has less than one processor, and answers later."
    if plan.unmeasured_bytes:
        told["bundle"] = (
            "The runtime bundle is not on this machine, or for another Python or processor: the memory that it will "
            f"take, {size_text(plan.unmeasured_bytes)}, is added to what was measured."
        )
    if plan.measurement.refused:
        told["samples"] = (
            f"{plan.measurement.refused} of the samples were refused here, such as those that name an image elsewhere; "
            "they are not in the latency."
        )
    if plan.has_snapshots and plan.prices.cached_gb_second is None:
        told["prices"] = (
            f"The table has no price of snapshots in {plan.prices.region}: look at {PAGE}, or compare with "
            "--region us-east-1."
        )
    if not plan.has_snapshots:
        told["snapshots"] = (
            f"The model needs {size_text(plan.fit.tmp_used)} of /tmp, and a function with snapshots has "
            f"{size_text(TMP_WITH_SNAPSHOT)}: every new environment loads it anew, within {INIT_WITHOUT:g} s."
        )
    return told
