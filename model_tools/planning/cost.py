"""Computes the costs of a function by its memory and its latency. Pure."""

import math
from dataclasses import dataclass

from model_tools.planning.prices import Prices

MONTH_SECONDS = 730 * 3600
"""The seconds of a month of 730 hours, as AWS's pricing calculator counts it."""
MB_IN_A_GB = 1024
FULL_PROCESSOR_MB = 1769
"""The memory in MB with which a function has one vCPU; with less it has a share of one [configuration-memory]."""


@dataclass(frozen=True)
class Cost:
    """Costs in US dollars; None if the region's price is not known."""

    snapshot_month: float | None
    """The cost of one published version's snapshot for a month; each version that is kept costs the same."""
    restore: float | None
    """The cost of restoring one environment from the snapshot."""
    million_requests: float
    """The cost of a million requests, with the time that they compute."""
    billed_ms: int
    """The milliseconds that each request is billed, at the function's share of a processor."""


def cost_of(memory: int, latency_ms: float, prices: Prices) -> Cost:
    """Return the costs of a function with `memory` MB whose answer takes `latency_ms` on one whole processor."""
    gigabytes = memory / MB_IN_A_GB
    billed_ms = math.ceil(latency_ms * max(1.0, FULL_PROCESSOR_MB / memory))
    computed = gigabytes * billed_ms / 1000 * prices.gb_second * 1_000_000
    cached, restored = prices.cached_gb_second, prices.restored_gb
    return Cost(
        snapshot_month=None if cached is None else gigabytes * MONTH_SECONDS * cached,
        restore=None if restored is None else gigabytes * restored,
        million_requests=prices.million_requests + computed,
        billed_ms=billed_ms,
    )
