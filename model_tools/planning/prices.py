"""What AWS charges for Lambda, by region: the one table, each row with its date and where the figures come from.

US dollars before tax, x86, the first tier, no free tier. Figures that no public source was found for are None: a plan
says that they are not known. To correct or add a row, take AWS's price list (`aws pricing get-products
--service-code AWSLambda`): usage types Request, Lambda-GB-Second, Lambda-SnapStart-Cached-GB-S and
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
    """The table has no prices of a region."""


@dataclass(frozen=True)
class Prices:
    """Lambda's prices in one region, in US dollars."""

    region: str
    million_requests: float
    gb_second: float
    """The price of a running function's memory."""
    cached_gb_second: float | None
    """The price of a snapshot, by the function's memory, for as long as its version exists (three hours at least)."""
    restored_gb: float | None
    """Each time that an environment is restored, by the function's memory."""
    as_of: str
    source: str


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
