"""The functions of one account in one region, by name and by ARN."""

import copy

from moto.awslambda.models import LambdaFunction, LambdaStorage

from emulator.lambda_.control.functions import EmulatedFunction


class EmulatedStorage(LambdaStorage):
    """moto's storage, which holds the emulator's functions only.

    A copy of a function shares its environments, so none is ever deep-copied.
    """

    def function(self, name_or_arn: str, qualifier: str | None = None) -> EmulatedFunction:
        """Return a function, or its version or alias; raises ResourceNotFoundException."""
        return _emulated(self.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier))

    def unqualified_function(self, name_or_arn: str) -> EmulatedFunction:
        """Return a function; raises InvalidParameterValueException for a name with a qualifier."""
        return _emulated(self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn))

    def version(self, name: str, number: str) -> EmulatedFunction | None:
        """Return a published version of a function that exists, None when there is none of that number."""
        found = self._get_version(name, number)
        return None if found is None else _emulated(found)

    def all(self) -> list[EmulatedFunction]:
        """Return every `$LATEST`, with its qualified ARN, and every version."""
        found: list[EmulatedFunction] = []
        for group in list(self._functions.values()):
            latest = copy.copy(group["latest"])
            latest.function_arn = f"{latest.unqualified_arn}:$LATEST"
            found += [latest, *group["versions"]]
        return found

    def list_versions_by_function(self, name: str) -> list[EmulatedFunction]:
        """Return `$LATEST`, with its qualified ARN, and all versions of one function."""
        return [_emulated(each) for each in super().list_versions_by_function(name)]


def _emulated(function: LambdaFunction) -> EmulatedFunction:
    assert isinstance(function, EmulatedFunction)  # noqa: S101 - the backend puts nothing else into its storage
    return function
