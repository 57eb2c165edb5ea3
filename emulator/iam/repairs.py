"""All repairs of moto's IAM in one place."""

from functools import cache

from emulator.iam import bucket_policies, managed_policies


@cache
def repair() -> None:
    """Repair moto's managed policies and bucket policies, once a process."""
    managed_policies.repair()
    bucket_policies.repair()
