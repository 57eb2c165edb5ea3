"""Bucket policies are kept and shown, and not enforced.

moto evaluates them without their conditions, so a policy that denies all requests without TLS denies every request.
The front door does not judge callers yet; until it does, no half of a policy is enforced.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from emulator.repairing import replace


def repair() -> None:
    """Let bucket policies neither allow nor deny a request."""
    replace(FakeBucket, get_permission=_neutral)


def _neutral(_bucket: Any, _action: str, _resource: str) -> PermissionResult:
    return PermissionResult.NEUTRAL
