"""The parts of a handler of one resource type."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.account import ACCOUNT_ID, PARTITION, REGION

Properties = dict[str, Any]
"""The properties of a resource in a template."""


@dataclass(frozen=True)
class Resource:
    """A resource that exists: the value of `Ref`, and those of `Fn::GetAtt` by name."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceContext:
    """The stack and the logical id of a resource, and the clients that make it."""

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


Create = Callable[[ResourceContext, Properties], Resource]
Update = Callable[[ResourceContext, Resource, Properties, Properties], Resource]
Delete = Callable[[ResourceContext, Resource], None]
Wait = Callable[[ResourceContext, Resource], None]
Check = Callable[[Properties], None]


@dataclass(frozen=True)
class ResourceType:
    """The handler of one resource type. Its functions raise ValueError for what the emulator cannot do."""

    properties: frozenset[str]
    """The properties that the handler passes on. Any other property in a template is an error."""
    create: Create
    update: Update | None = None
    """Changes a resource, from its old to its new properties. Without it a changed resource is an error."""
    delete: Delete | None = None
    """Deletes a resource that left the template. Without it such a resource is an error."""
    wait: Wait | None = None
    """Returns when the resource is ready. It is called after all resources of the stack have been made."""
    check: Check | None = None
    """Checks the properties as they are written in the template, before anything is made."""


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return CloudFormation's list of tags as a mapping."""
    return {tag["Key"]: str(tag["Value"]) for tag in tags or []}


def pick(properties: Properties, *names: str) -> Properties:
    """Return the named properties, without those that are not given."""
    return {name: properties[name] for name in names if name in properties}
