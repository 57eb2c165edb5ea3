"""The table of Lambda's prices by region, each row with its date and its source.

Prices are in US dollars before tax, for x86, in the first tier and without the free tier. A price without a public
source is None, and a plan says that it is not known. To correct or add a row, take AWS's price list (`aws pricing
get-products --service-code AWSLambda`) with the usage types Request, Lambda-GB-Second, Lambda-SnapStart-Cached-GB-S and
Lambda-SnapStart-Restored-GB.
"""

from dataclasses import dataclass

PAGE = "https://aws.amazon.com/lambda/pricing/"
PRICE_LIST = f"AWS price list AWSLambda of 2026-09-19, as a public cost sheet quotes it; compare {PAGE}"
BASE_RATE = (
    f"public tables of {PAGE}: the rate of all regions but af-south-1, ap-east-1, eu-south-1, me-central-1 and "
    "me-south-1"
)


class RegionUnknown(Exception):
    """The table has no prices for a region."""


@dataclass(frozen=True)
class Prices:
    """Lambda's prices in one region, in US dollars."""

    region: str
    million_requests: float
    """The price of a million requests, without their time."""
    gb_second: float
    """The price of a running function, for each GB of its memory and each second."""
    cached_gb_second: float | None
    """The price of a snapshot, for each GB of the function's memory and each second that the version exists.

    Three hours are charged at least.
    """
    restored_gb: float | None
    """The price of restoring an environment, for each GB of the function's memory."""
    as_of: str
    """The date of the figures."""
    source: str
    """The place where the figures were found."""


TABLE = (
    Prices("us-east-1", 0.20, 0.0000166667, 0.0000015046, 0.0001397998, "2026-09-24", PRICE_LIST),
    Prices("ap-northeast-1", 0.20, 0.0000166667, 0.0000015046, 0.0001397998, "2026-09-24", PRICE_LIST),
    Prices("ap-northeast-2", 0.20, 0.0000166667, 0.0000018383, 0.0001674588, "2026-09-24", PRICE_LIST),
    Prices("us-west-2", 0.20, 0.0000166667, None, None, "2026-11-21", BASE_RATE),
    Prices("eu-west-1", 0.20, 0.0000166667, None, None, "2026-11-21", BASE_RATE),
    Prices("eu-central-1", 0.20, 0.0000166667, None, None, "2026-11-21", BASE_RATE),
    Prices("ap-southeast-2", 0.20, 0.0000166667, None, None, "2026-11-21", BASE_RATE),
)


def prices_of(region: str) -> Prices:
    """Return a region's prices. Raises RegionUnknown, which names the regions that the table has."""
    for prices in TABLE:
        if prices.region == region:
            return prices
    known = ", ".join(sorted(prices.region for prices in TABLE))
    raise RegionUnknown(f"No prices are known for region {region!r}; the table has {known}. Name one with --region.")
