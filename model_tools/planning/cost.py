"""What a function of some memory costs. Pure."""

import math
from dataclasses import dataclass

from model_tools.planning.prices import Prices

MONTH_SECONDS = 730 * 3600
"""AWS's own month."""
MB_IN_A_GB = 1024
FULL_PROCESSOR_MB = 1769
"""Memory in MB with which a function has one vCPU; with less it has a share of one [configuration-memory]."""


@dataclass(frozen=True)
class Cost:
    """US dollars; None where the region's price is not known."""

    snapshot_month: float | None
    """The month of one published version; each that is kept to go back to costs the same."""
    restore: float | None
    """The restore of one new environment."""
    million_requests: float
    billed_ms: int
    """Milliseconds of each request, at the function's share of a processor."""


def cost_of(memory: int, latency_ms: float, prices: Prices) -> Cost:
    """Return what `memory` MB cost when an answer takes `latency_ms` on one whole processor."""
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
