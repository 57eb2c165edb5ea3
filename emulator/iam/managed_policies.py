"""AWS's managed policies, each loaded when it is first needed: loading all of them takes a second."""

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

from emulator.account import PARTITION, REGION
from emulator.repairing import replace

_PREFIX = f"arn:{PARTITION}:iam::aws:policy/"


@cache
def _documents() -> dict[str, Any]:
    documents: dict[str, Any] = json.loads(aws_managed_policies_data)
    return documents


def _load(backend: IAMBackend, policy_arn: str) -> None:
    if not policy_arn.startswith(_PREFIX) or policy_arn in backend.managed_policies:
        return
    name = policy_arn.rsplit("/", 1)[1]
    data = _documents().get(name)
    if data is None:
        return
    policy = AWSManagedPolicy.from_data(name, backend.account_id, REGION, data)
    if policy.arn == policy_arn:
        backend.managed_policies[policy_arn] = policy
        backend.aws_managed_policies.append(policy)


def repair() -> None:
    """Load a managed policy when it is attached or read. moto has either none of them or all."""
    attach, get = IAMBackend.attach_role_policy, IAMBackend.get_policy

    def attach_role_policy(self: IAMBackend, policy_arn: str, role_name: str) -> None:
        _load(self, policy_arn)
        attach(self, policy_arn, role_name)

    def get_policy(self: IAMBackend, policy_arn: str) -> Any:
        _load(self, policy_arn)
        return get(self, policy_arn)

    replace(IAMBackend, attach_role_policy=attach_role_policy, get_policy=get_policy)
