"""What a handler of a resource type is made of."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.account import ACCOUNT_ID, PARTITION, REGION

Properties = dict[str, Any]


@dataclass(frozen=True)
class Physical:
    """A resource that exists: what `Ref` gives, what `Fn::GetAtt` gives."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """Where a resource is made: its stack, its logical id, and the clients to make it with."""

    stack_name: str
    logical_id: str
    client: Callable[[str], Any]

    def name(self, *, longest: int = 64, lower: bool = False) -> str:
        """Return a name like CloudFormation's for a resource that the template does not name."""
        tail = hashlib.sha256(f"{self.stack_name}/{self.logical_id}".encode()).hexdigest()[:12]
        head = f"{self.stack_name}-{self.logical_id}"[: longest - len(tail) - 1]
        name = f"{head}-{tail}"
        return name.lower() if lower else name


def arn(service: str, resource: str, *, region: str = REGION, account: str = ACCOUNT_ID) -> str:
    """Return an ARN of the emulator's account."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


Create = Callable[[Site, Properties], Physical]
Update = Callable[[Site, Physical, Properties, Properties], Physical]
Delete = Callable[[Site, Physical], None]
Wait = Callable[[Site, Physical], None]
Check = Callable[[Properties], None]


@dataclass(frozen=True)
class ResourceType:
    """How resources of one type are made.

    `properties` are all that the handler passes on; any other in a template is an error. `update` gets the physical
    resource, its old and its new properties; without it a changed resource is an error. `delete` likewise. `wait`
    returns once the resource is usable; it is called when everything else is made, since much can go on meanwhile.
    `check` raises ValueError for what cannot be made, from the properties as they are written, before anything is made.
    """

    properties: frozenset[str]
    create: Create
    update: Update | None = None
    delete: Delete | None = None
    wait: Wait | None = None
    check: Check | None = None


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return CloudFormation's list of tags as a map."""
    return {tag["Key"]: str(tag["Value"]) for tag in tags or []}


def pick(properties: Properties, *names: str) -> Properties:
    """Return those of the named properties that are given."""
    return {name: properties[name] for name in names if name in properties}
