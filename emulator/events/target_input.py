"""The input of a rule's target: the event, a part of it, a constant, or a template filled from it. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']+)'\]")
_VARIABLE = re.compile(r"<([A-Za-z0-9_.-]+)>")


class TargetInputError(ValueError):
    """The target's input cannot be made from the event."""


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str) -> str:
    """Return the JSON text that the target receives for the event."""
    if "Input" in target:
        return _checked_json(target["Input"])
    if "InputPath" in target:
        return json.dumps(at_path(event, target["InputPath"]))
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values = {name: at_path(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
        values |= {
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
            "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
            "aws.events.event.json": event,
            "aws.events.event.ingestion-time": event["time"],
        }
        return _checked_json(fill_template(transformer["InputTemplate"], values))
    return json.dumps(event)


def at_path(event: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as `$.detail.object.key`; None when the event has no such value."""
    position = 1
    found: Any = event
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise TargetInputError(f"the emulator does not understand the path {path}")
        name, index, quoted = step.groups()
        try:
            found = found[int(index)] if index is not None else found[name or quoted]
        except (KeyError, IndexError, TypeError):
            return None
        position = step.end()
    return found


def fill_template(template: str, values: Mapping[str, Any]) -> str:
    """Return the template with each `<name>` replaced by its value, as text within quotes and as JSON elsewhere."""
    return _VARIABLE.sub(lambda match: _replacement(match, template, values), template)


def _replacement(match: re.Match[str], template: str, values: Mapping[str, Any]) -> str:
    if match[1] not in values:
        raise TargetInputError(f"the input template has <{match[1]}>, which InputPathsMap does not")
    value = values[match[1]]
    if not _is_quoted(template, match.start()):
        return json.dumps(value)
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]


def _is_quoted(template: str, position: int) -> bool:
    quoted = escaped = False
    for character in template[:position]:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
    return quoted


def _checked_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise TargetInputError(f"the target's input is not JSON: {text}") from error
    return text
