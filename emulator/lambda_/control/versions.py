"""Published versions: made when something has changed, never numbered twice, kept while an alias needs them."""

import copy
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaAlias

from emulator.lambda_.api_errors import InvalidParameterValue, ResourceConflict
from emulator.lambda_.control.functions import EmulatedFunction
from emulator.lambda_.control.lifecycle import PUBLISHING
from emulator.lambda_.control.storage import EmulatedStorage


def check_code_sha256(function: EmulatedFunction, expected: str | None) -> None:
    """Raise InvalidParameterValueException when the code of `$LATEST` has another digest than the caller expects."""
    if expected and expected != function.code_sha_256:
        raise InvalidParameterValue(
            f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({function.code_sha_256}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )


def publish(storage: EmulatedStorage, function: EmulatedFunction, description: str) -> tuple[EmulatedFunction, bool]:
    """Return the version that equals `$LATEST`, and True when it is new."""
    versions: list[EmulatedFunction] = storage._functions[function.function_name]["versions"]
    state = function.fingerprint()
    newest = versions[-1] if versions else None
    if newest is not None and newest.version == function.last_version and newest.published_from == state:
        return newest, False
    version: EmulatedFunction = copy.copy(function)
    function.last_version += 1
    version.set_version(function.last_version)
    version.published_from = state
    version.lifecycle = PUBLISHING
    version.code = dict(function.code)
    version.environment_vars = dict(function.environment_vars)
    version.tags = {}
    if description:
        version.description = description
    version.touch()
    version.serving = version.to_spec()
    versions.append(version)
    storage._arns[version.function_arn] = version
    return version, True


def remove(storage: EmulatedStorage, function: EmulatedFunction, version: EmulatedFunction) -> None:
    """Delete one version; raises ResourceConflictException while an alias points at it."""
    number = str(version.version)
    if number == "$LATEST":
        raise InvalidParameterValue("$LATEST version cannot be deleted without deleting the function.")
    for alias in storage._aliases[function.unqualified_arn].values():
        if number == alias.function_version or number in weights_of(alias):
            raise ResourceConflict(
                f"Version {number} cannot be deleted because it is in use by the alias {alias.arn}: "
                "point the alias somewhere else first"
            )
    storage._functions[function.function_name]["versions"].remove(version)
    storage._arns.pop(version.function_arn, None)


def remove_all(storage: EmulatedStorage, function: EmulatedFunction) -> list[EmulatedFunction]:
    """Delete a function with its versions and aliases; return the function and the versions."""
    group = storage._functions.pop(function.function_name)
    gone: list[EmulatedFunction] = [group["latest"], *group["versions"]]
    for each in gone:
        storage._arns.pop(each.function_arn, None)
    storage._aliases.pop(function.unqualified_arn, None)
    return gone


def weights_of(alias: LambdaAlias) -> dict[str, float]:
    """Return the additional versions of an alias with their weights."""
    routing_config: Any = alias.routing_config  # moto declares text and keeps the API's object
    return additional_weights(routing_config)


def additional_weights(routing_config: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the additional versions of a routing configuration with their weights."""
    return dict((routing_config or {}).get("AdditionalVersionWeights") or {})
