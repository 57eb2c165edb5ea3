"""The values of a template's parameters, given or by default, checked as the template declares."""

import re
from collections.abc import Mapping
from typing import Any

from emulator.errors import EmulatorError


def parameter_values(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every parameter, as text or as a list; raises EmulatorError where CloudFormation refuses."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        raise EmulatorError(f"the template has no parameter {', '.join(unknown)}: it has {known}")
    return {name: _value(name, declaration, given) for name, declaration in declared.items()}


def _value(name: str, declaration: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    kind = declaration.get("Type", "String")
    if kind.startswith("AWS::SSM::"):
        raise EmulatorError(f"parameter {name}: the emulator does not look up {kind}")
    raw = given.get(name, declaration.get("Default"))
    if raw is None:
        raise EmulatorError(f"parameter {name} has no default: give it a value with --parameter {name}=…")
    text = str(raw)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        items = [item.strip() for item in text.split(",")]
        for item in items:
            _check(name, declaration, item, kind)
        return items
    _check(name, declaration, text, kind)
    return text


def _check(name: str, declaration: Mapping[str, Any], text: str, kind: str) -> None:
    allowed = declaration.get("AllowedValues")
    if allowed is not None and text not in [str(value) for value in allowed]:
        raise EmulatorError(f"parameter {name} is {text!r}: allowed are {', '.join(map(str, allowed))}")
    if kind in ("Number", "List<Number>"):
        _check_number(name, declaration, text)
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, text):
        raise EmulatorError(f"parameter {name} is {text!r}: it must match {pattern}")
    if len(text) < int(declaration.get("MinLength", 0)) or len(text) > int(declaration.get("MaxLength", 4096)):
        raise EmulatorError(f"parameter {name} is {text!r}: its length is out of range")


def _check_number(name: str, declaration: Mapping[str, Any], text: str) -> None:
    try:
        number = float(text)
    except ValueError as error:
        raise EmulatorError(f"parameter {name} is {text!r}: it must be a number") from error
    low, high = float(declaration.get("MinValue", "-inf")), float(declaration.get("MaxValue", "inf"))
    if not low <= number <= high:
        raise EmulatorError(f"parameter {name} is {text}: it must be between {low:g} and {high:g}")
