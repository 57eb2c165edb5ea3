"""CloudFormation's intrinsic functions: from a property as it is written to its value."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.errors import EmulatorError

NO_VALUE = object()
"""The value of AWS::NoValue. A property with this value is left out."""

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class IntrinsicResolver:
    """Resolves the values of one template.

    `ref(name)` and `attribute(name, attribute)` return the value of a parameter or a resource. They may create the
    resource first: this is how dependencies are found.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        *,
        ref: Callable[[str], Any],
        attribute: Callable[[str, str], Any],
    ) -> None:
        self._conditions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self._ref = ref
        self._attribute = attribute
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::Equals": self._equals,
            "Fn::Not": lambda items: not self._truth(items[0]),
            "Fn::And": lambda items: all(self._truth(item) for item in items),
            "Fn::Or": lambda items: any(self._truth(item) for item in items),
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": lambda text: base64.b64encode(str(self.resolve(text)).encode()).decode(),
            "Fn::ToJsonString": lambda value: json.dumps(self.resolve(value), separators=(",", ":")),
        }

    def resolve(self, value: Any) -> Any:
        """Return a value with every function replaced by its result, and without every AWS::NoValue."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in self._functions and (name != "Condition" or isinstance(argument, str)):
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                raise EmulatorError(f"the emulator does not know {name}")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Return True when a condition of the template holds."""
        if name not in self._conditions:
            raise EmulatorError(f"the template has no condition {name}")
        return self._truth(self._conditions[name])

    def _truth(self, value: Any) -> bool:
        truth = self.resolve(value)
        if not isinstance(truth, bool):
            raise EmulatorError(f"a condition is neither true nor false: {value}")
        return truth

    def _get_att(self, argument: Any) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(name, self.resolve(attribute))

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        values = self.resolve(given)

        def value_of(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return "${" + match[2] + "}"
            if name in values:
                return str(values[name])
            if "." in name:
                return str(self._attribute(*name.split(".", 1)))
            return str(self._ref(name))

        return _VARIABLE.sub(value_of, text)

    def _join(self, argument: Any) -> str:
        separator, items = argument
        return str(separator).join(str(item) for item in self.resolve(items))

    def _if(self, argument: Any) -> Any:
        name, yes, no = argument
        return self.resolve(yes if self.condition(name) else no)

    def _equals(self, argument: Any) -> bool:
        left, right = (self.resolve(item) for item in argument)
        return str(left) == str(right)

    def _select(self, argument: Any) -> Any:
        index, items = argument
        return self.resolve(items)[int(self.resolve(index))]

    def _split(self, argument: Any) -> list[str]:
        separator, text = argument
        return str(self.resolve(text)).split(separator)

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second = (self.resolve(item) for item in argument)
        try:
            return self._mappings[name][first][second]
        except KeyError as error:
            raise EmulatorError(f"Fn::FindInMap: the template has no {name}.{first}.{second}") from error
