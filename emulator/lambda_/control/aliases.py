"""Aliases: the versions that they may point at, and the choice of a version for an invocation."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import LambdaAlias

from emulator.lambda_.api_errors import InvalidParameterValue, PreconditionFailed
from emulator.lambda_.control.functions import EmulatedFunction
from emulator.lambda_.control.storage import EmulatedStorage
from emulator.lambda_.control.versions import additional_weights, weights_of

NAME = re.compile(r"(?!^[0-9]+$)[a-zA-Z0-9_-]{1,128}")


@dataclass(frozen=True)
class InvocationTarget:
    """The function or version that an invocation runs, and the name that it was called by.

    `resource` and `invoked_arn` have the qualifier of the call; `function` is the version that was chosen for it.
    """

    function: EmulatedFunction
    invoked_arn: str
    resource: str
    through_alias: bool


def check_name(name: str) -> None:
    """Raise InvalidParameterValueException for a name that Lambda does not allow, such as a version number."""
    if not NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
        )


def check_revision(alias: LambdaAlias, revision_id: str | None) -> None:
    """Raise PreconditionFailedException when the caller names a revision that is not the current one."""
    if revision_id and revision_id != alias.revision_id:
        raise PreconditionFailed


def new_revision() -> str:
    """Return a revision that no caller can know yet."""
    return str(uuid.uuid4())


def check_routing(storage: EmulatedStorage, name: str, version: str, routing_config: Mapping[str, Any] | None) -> None:
    """Raise Lambda's error for a version that does not exist, or for weights that Lambda does not accept."""
    primary = storage.function(name, _version_number(version))
    weights = additional_weights(routing_config)
    if len(weights) > 1:
        raise InvalidParameterValue("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for additional, weight in weights.items():
        if "$LATEST" in (version, additional):
            raise InvalidParameterValue("$LATEST is not supported for an alias pointing to more than 1 version")
        if not 0.0 <= float(weight) <= 1.0:
            raise InvalidParameterValue(f"Weight {weight} of version {additional} must be between 0.0 and 1.0")
        if additional == version:
            raise InvalidParameterValue(
                f"Invalid function version {additional}. Function version {additional} is already included in "
                "routing configuration."
            )
        if storage.function(name, _version_number(additional)).role != primary.role:
            raise InvalidParameterValue("Both versions of an alias must have the same execution role")


def resolve(storage: EmulatedStorage, name: str, qualifier: str | None, draw: Callable[[], float]) -> InvocationTarget:
    """Return the target of an invocation. An alias chooses its version by `draw`, a number from 0 to 1."""
    latest = storage.function(name)
    if qualifier is None:
        return InvocationTarget(latest, latest.unqualified_arn, latest.function_name, through_alias=False)
    resource = f"{latest.function_name}:{qualifier}"
    arn = f"{latest.unqualified_arn}:{qualifier}"
    alias = storage._aliases[latest.unqualified_arn].get(qualifier)
    if alias is None:
        found = storage.function(name, qualifier)
        return InvocationTarget(found, arn, resource, through_alias=False)
    chosen = alias.function_version
    for additional, weight in weights_of(alias).items():
        if draw() < float(weight):
            chosen = additional
    found = storage.function(name, chosen)
    return InvocationTarget(found, arn, resource, through_alias=True)


def _version_number(version: str) -> str:
    if version != "$LATEST" and not version.isdigit():
        raise InvalidParameterValue(f"An alias points at a version number or $LATEST, not at {version!r}")
    return version
