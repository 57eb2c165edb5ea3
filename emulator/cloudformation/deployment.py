"""One deployment: from a translated template to resources, in the order in which they need one another."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from emulator.account import ACCOUNT_ID, PARTITION, REGION
from emulator.cloudformation.intrinsics import NO_VALUE, Resolver
from emulator.cloudformation.resource_type import Physical, Properties, Site
from emulator.cloudformation.resources import RESOURCE_TYPES
from emulator.cloudformation.template import Template
from emulator.errors import EmulatorError

Result = TypeVar("Result")

# The policies say what happens on deletion; an emulator's stack is forgotten as a whole.
_ALLOWED_FIELDS = frozenset(
    {"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
)


@dataclass(frozen=True)
class Deployed:
    """A resource as it was last deployed: later changes by others are theirs, and are left alone."""

    type_name: str
    properties: Properties
    physical: Physical


@dataclass
class Stack:
    """What a stack has made so far, by logical id, and which of it is not known to be usable yet."""

    resources: dict[str, Deployed] = field(default_factory=dict)
    unproved: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)


class Deployment:
    """One deployment of one stack."""

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        stack_name: str,
        stack: Stack,
        client: Callable[[str], Any],
    ) -> None:
        self._template = template
        self._stack_name = stack_name
        self._stack = stack
        self._client = client
        self._parameters = {
            **parameters,
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": PARTITION,
            "AWS::Region": REGION,
            "AWS::StackId": f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{stack_name}/emulator",
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._resolver = Resolver(template, ref=self._ref, attribute=self._attribute)
        self._current: dict[str, Physical] = {}
        self._in_progress: list[str] = []

    def run(self) -> dict[str, str]:
        """Make all resources, wait until they can be used, remove those that left the template; return the outputs."""
        self._check_rules()
        wanted = [name for name in self._template["Resources"] if self._is_wanted(name)]
        for logical_id in wanted:
            self._check(logical_id)
        for logical_id in wanted:
            self._ensure(logical_id)
        for logical_id in wanted:
            self._prove(logical_id)
        self._remove_all_but(set(wanted))
        return {
            name: str(self._resolver.resolve(output["Value"]))
            for name, output in self._template.get("Outputs", {}).items()
            if "Condition" not in output or self._resolver.condition(output["Condition"])
        }

    def _is_wanted(self, logical_id: str) -> bool:
        condition = self._template["Resources"][logical_id].get("Condition")
        return condition is None or self._resolver.condition(condition)

    def _check(self, logical_id: str) -> None:
        """Refuse what cannot be made before anything is made."""
        resource = self._template["Resources"][logical_id]
        handler = RESOURCE_TYPES.get(resource["Type"])
        if handler is None:
            raise EmulatorError(f"{logical_id}: the emulator does not know the type {resource['Type']}")
        fields = sorted(set(resource) - _ALLOWED_FIELDS)
        if fields:
            raise EmulatorError(f"{logical_id}: the emulator does not know the attribute {fields[0]}")
        unknown = sorted(set(resource.get("Properties") or {}) - handler.properties)
        if unknown:
            raise EmulatorError(
                f"{logical_id}: the emulator would lose the property {unknown[0]} of {resource['Type']} in silence"
            )
        check = handler.check
        if check is not None:
            properties = resource.get("Properties") or {}
            _attempt(logical_id, resource["Type"], lambda: check(properties))

    def _check_rules(self) -> None:
        """Refuse parameters that the template's rules do not allow together."""
        for name, rule in self._template.get("Rules", {}).items():
            if not self._resolver.resolve(rule.get("RuleCondition", True)):
                continue
            for assertion in rule["Assertions"]:
                if not self._resolver.resolve(assertion["Assert"]):
                    why = assertion.get("AssertDescription", "an assertion does not hold")
                    raise EmulatorError(f"the template's rule {name}: {why}")

    def _ref(self, name: str) -> Any:
        if name in self._parameters:
            return self._parameters[name]
        return self._ensure(name).ref

    def _attribute(self, name: str, attribute: str) -> str:
        physical = self._ensure(name)
        if attribute not in physical.attributes:
            kind = self._template["Resources"][name]["Type"]
            raise EmulatorError(f"{name}: the emulator knows no attribute {attribute} of {kind}")
        return physical.attributes[attribute]

    def _ensure(self, logical_id: str) -> Physical:
        """Return the resource, made or brought up to date; what it refers to first."""
        if logical_id in self._current:
            return self._current[logical_id]
        if logical_id not in self._template["Resources"]:
            raise EmulatorError(f"the template refers to {logical_id}, which it does not have")
        if not self._is_wanted(logical_id):
            raise EmulatorError(f"the template refers to {logical_id}, which its condition leaves out")
        if logical_id in self._in_progress:
            circle = " → ".join([*self._in_progress[self._in_progress.index(logical_id) :], logical_id])
            raise EmulatorError(f"the template's resources need one another in a circle: {circle}")
        self._in_progress.append(logical_id)
        resource = self._template["Resources"][logical_id]
        depends_on = resource.get("DependsOn", [])
        for other in [depends_on] if isinstance(depends_on, str) else depends_on:
            self._ensure(other)
        properties = self._resolver.resolve(resource.get("Properties") or {})
        physical = self._make(logical_id, resource["Type"], properties)
        self._stack.resources[logical_id] = Deployed(resource["Type"], properties, physical)
        self._current[logical_id] = physical
        self._in_progress.pop()
        return physical

    def _make(self, logical_id: str, type_name: str, properties: Properties) -> Physical:
        handler = RESOURCE_TYPES[type_name]
        site = Site(self._stack_name, logical_id, self._client)
        before = self._stack.resources.get(logical_id)
        wanted = copy.deepcopy(properties)  # a handler may take its copy apart
        if before is None:
            self._stack.unproved.add(logical_id)
            return _attempt(logical_id, type_name, lambda: handler.create(site, wanted))
        if before.type_name == type_name and before.properties == properties:
            return before.physical
        update = handler.update
        if update is None or before.type_name != type_name:
            raise EmulatorError(
                f"{logical_id}: the emulator cannot update {type_name} ({_difference(before, properties)}); "
                "start it afresh"
            )
        self._stack.unproved.add(logical_id)
        old = copy.deepcopy(before.properties)
        return _attempt(logical_id, type_name, lambda: update(site, before.physical, old, wanted))

    def _prove(self, logical_id: str) -> None:
        """Wait until the resource is usable; one that was not in an earlier deployment is looked at again."""
        if logical_id not in self._stack.unproved:
            return
        made = self._stack.resources[logical_id]
        wait = RESOURCE_TYPES[made.type_name].wait
        if wait is not None:
            site = Site(self._stack_name, logical_id, self._client)
            _attempt(logical_id, made.type_name, lambda: wait(site, made.physical))
        self._stack.unproved.discard(logical_id)

    def _remove_all_but(self, wanted: set[str]) -> None:
        for logical_id in [name for name in self._stack.resources if name not in wanted]:
            gone = self._stack.resources[logical_id]
            delete = RESOURCE_TYPES[gone.type_name].delete
            if delete is None:
                raise EmulatorError(
                    f"{logical_id}: the emulator cannot delete {gone.type_name}, which left the template; "
                    "start it afresh"
                )
            site = Site(self._stack_name, logical_id, self._client)
            _attempt(logical_id, gone.type_name, partial(delete, site, gone.physical))
            del self._stack.resources[logical_id]


def _attempt(logical_id: str, type_name: str, work: Callable[[], Result]) -> Result:
    try:
        return work()
    except (ClientError, BotoCoreError, ValueError, KeyError) as error:
        raise EmulatorError(f"{logical_id} ({type_name}): {type(error).__name__}: {error}") from error


def _difference(before: Deployed, properties: Properties) -> str:
    names = sorted(
        name for name in {*before.properties, *properties} if before.properties.get(name) != properties.get(name)
    )
    return f"{', '.join(names)} changed" if names else "its type changed"
