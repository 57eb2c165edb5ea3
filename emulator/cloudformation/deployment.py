"""One deployment: from a translated template to resources, in the order in which they need one another."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from emulator.account import ACCOUNT_ID, PARTITION, REGION
from emulator.cloudformation.intrinsics import NO_VALUE, IntrinsicResolver
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext
from emulator.cloudformation.resources import RESOURCE_TYPES
from emulator.cloudformation.template import Template
from emulator.errors import EmulatorError

Result = TypeVar("Result")

_ALLOWED_FIELDS = frozenset(
    {"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
)
"""The attributes of a resource. Both policies are ignored: an emulator's stack ends with the emulator."""


@dataclass(frozen=True)
class DeployedResource:
    """A resource with the properties that it was last deployed with.

    A deployment compares these with the template's, so it does not undo changes that others have made since.
    """

    type_name: str
    properties: Properties
    physical: Resource


@dataclass
class StackState:
    """The resources of a stack by logical id, and the ids of those that are not known to be ready yet."""

    resources: dict[str, DeployedResource] = field(default_factory=dict)
    not_ready: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)


class Deployment:
    """One deployment of one stack."""

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        stack_name: str,
        stack: StackState,
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
        self._resolver = IntrinsicResolver(template, ref=self._ref, attribute=self._attribute)
        self._current: dict[str, Resource] = {}
        self._in_progress: list[str] = []

    def run(self) -> dict[str, str]:
        """Make all resources, wait until they are ready, remove those that left the template; return the outputs."""
        self._check_rules()
        wanted = [name for name in self._template["Resources"] if self._is_wanted(name)]
        for logical_id in wanted:
            self._check(logical_id)
        for logical_id in wanted:
            self._ensure_resource(logical_id)
        for logical_id in wanted:
            self._wait_until_ready(logical_id)
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
        """Raise EmulatorError for a resource that cannot be made, before anything is made."""
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
        """Raise EmulatorError for parameters that the template's rules do not allow together."""
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
        return self._ensure_resource(name).ref

    def _attribute(self, name: str, attribute: str) -> str:
        physical = self._ensure_resource(name)
        if attribute not in physical.attributes:
            kind = self._template["Resources"][name]["Type"]
            raise EmulatorError(f"{name}: the emulator knows no attribute {attribute} of {kind}")
        return physical.attributes[attribute]

    def _ensure_resource(self, logical_id: str) -> Resource:
        """Make or update a resource, after all resources that it refers to, and return it."""
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
            self._ensure_resource(other)
        properties = self._resolver.resolve(resource.get("Properties") or {})
        physical = self._make(logical_id, resource["Type"], properties)
        self._stack.resources[logical_id] = DeployedResource(resource["Type"], properties, physical)
        self._current[logical_id] = physical
        self._in_progress.pop()
        return physical

    def _make(self, logical_id: str, type_name: str, properties: Properties) -> Resource:
        handler = RESOURCE_TYPES[type_name]
        context = ResourceContext(self._stack_name, logical_id, self._client)
        before = self._stack.resources.get(logical_id)
        wanted = copy.deepcopy(properties)  # a handler may change its copy
        if before is None:
            self._stack.not_ready.add(logical_id)
            return _attempt(logical_id, type_name, lambda: handler.create(context, wanted))
        if before.type_name == type_name and before.properties == properties:
            return before.physical
        update = handler.update
        if update is None or before.type_name != type_name:
            raise EmulatorError(
                f"{logical_id}: the emulator cannot update {type_name} ({_difference(before, properties)}); "
                "start it afresh"
            )
        self._stack.not_ready.add(logical_id)
        old = copy.deepcopy(before.properties)
        return _attempt(logical_id, type_name, lambda: update(context, before.physical, old, wanted))

    def _wait_until_ready(self, logical_id: str) -> None:
        """Wait until a resource is ready, also one that was made by an earlier deployment and was not ready then."""
        if logical_id not in self._stack.not_ready:
            return
        made = self._stack.resources[logical_id]
        wait = RESOURCE_TYPES[made.type_name].wait
        if wait is not None:
            context = ResourceContext(self._stack_name, logical_id, self._client)
            _attempt(logical_id, made.type_name, lambda: wait(context, made.physical))
        self._stack.not_ready.discard(logical_id)

    def _remove_all_but(self, wanted: set[str]) -> None:
        for logical_id in [name for name in self._stack.resources if name not in wanted]:
            gone = self._stack.resources[logical_id]
            delete = RESOURCE_TYPES[gone.type_name].delete
            if delete is None:
                raise EmulatorError(
                    f"{logical_id}: the emulator cannot delete {gone.type_name}, which left the template; "
                    "start it afresh"
                )
            context = ResourceContext(self._stack_name, logical_id, self._client)
            _attempt(logical_id, gone.type_name, partial(delete, context, gone.physical))
            del self._stack.resources[logical_id]


def _attempt(logical_id: str, type_name: str, work: Callable[[], Result]) -> Result:
    try:
        return work()
    except (ClientError, BotoCoreError, ValueError, KeyError) as error:
        raise EmulatorError(f"{logical_id} ({type_name}): {type(error).__name__}: {error}") from error


def _difference(before: DeployedResource, properties: Properties) -> str:
    names = sorted(
        name for name in {*before.properties, *properties} if before.properties.get(name) != properties.get(name)
    )
    return f"{', '.join(names)} changed" if names else "its type changed"
