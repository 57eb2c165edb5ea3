"""Aliases: what they may point at, and which version a request through one runs."""

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
class Target:
    """What an invocation goes to: `resource` and `invoked_arn` are as it was called, `function` is what runs."""

    function: EmulatedFunction
    invoked_arn: str
    resource: str
    through_alias: bool


def check_name(name: str) -> None:
    """Raise ValidationException's message for a name that could be a version's."""
    if not NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
        )


def check_revision(alias: LambdaAlias, revision_id: str | None) -> None:
    """Raise PreconditionFailedException when the caller's revision is given and old."""
    if revision_id and revision_id != alias.revision_id:
        raise PreconditionFailed


def new_revision() -> str:
    """Return a revision that no caller can know yet."""
    return str(uuid.uuid4())


def check_routing(storage: EmulatedStorage, name: str, version: str, routing_config: Mapping[str, Any] | None) -> None:
    """Raise what Lambda answers to versions that do not exist or weights that it does not route by."""
    primary = storage.function(name, _number(version))
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
        if storage.function(name, _number(additional)).role != primary.role:
            raise InvalidParameterValue("Both versions of an alias must have the same execution role")


def resolve(storage: EmulatedStorage, name: str, qualifier: str | None, draw: Callable[[], float]) -> Target:
    """Return what an invocation of name and qualifier runs; `draw` decides between an alias's versions."""
    latest = storage.function(name)
    if qualifier is None:
        return Target(latest, latest.unqualified_arn, latest.function_name, through_alias=False)
    resource = f"{latest.function_name}:{qualifier}"
    arn = f"{latest.unqualified_arn}:{qualifier}"
    alias = storage._aliases[latest.unqualified_arn].get(qualifier)
    if alias is None:
        found = storage.function(name, qualifier)
        return Target(found, arn, resource, through_alias=False)
    chosen = alias.function_version
    for additional, weight in weights_of(alias).items():
        if draw() < float(weight):
            chosen = additional
    found = storage.function(name, chosen)
    return Target(found, arn, resource, through_alias=True)


def _number(version: str) -> str:
    if version != "$LATEST" and not version.isdigit():
        raise InvalidParameterValue(f"An alias points at a version number or $LATEST, not at {version!r}")
    return version
