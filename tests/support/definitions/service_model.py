"""Is a call in a state machine's definition one that AWS has? Read from botocore's service model, no call is made."""

from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape

SERVICES = {"sfn": "stepfunctions", "states": "stepfunctions"}
SCALARS = {
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "boolean": bool,
}


def capital(name: str) -> str:
    """Step Functions spells every member with a capital, also where the service itself does not."""
    return name[:1].upper() + name[1:]


def operation(service: str, action: str) -> OperationModel:
    """Return the model of `service:action`. Raises OperationNotFoundError or UnknownServiceError."""
    model = botocore.session.get_session().get_service_model(SERVICES.get(service, service))
    return model.operation_model(capital(action))


def members(shape: Shape) -> dict[str, Shape]:
    return {capital(name): member for name, member in shape.members.items()}


def wrong_parameters(shape: Shape, value: Any, where: str) -> list[str]:
    """Return each name that AWS does not know, each literal of a wrong type, and each required name left out."""
    if shape.type_name == "structure":
        known = members(shape)
        problems = [] if isinstance(value, dict) else [f"{where} must be an object"]
        given = {name.removesuffix(".$"): item for name, item in value.items()} if isinstance(value, dict) else {}
        problems += [
            f"{where}.{capital(name)} is missing" for name in shape.required_members if capital(name) not in given
        ]
        for name, item in value.items() if isinstance(value, dict) else ():
            plain = name.removesuffix(".$")
            if plain not in known:
                problems.append(f"{where}.{plain} is not a parameter; there is {sorted(known)}")
            elif not name.endswith(".$"):
                problems += wrong_parameters(known[plain], item, f"{where}.{plain}")
        return problems
    if shape.type_name == "map":
        return [
            problem
            for name, item in value.items()
            if not name.endswith(".$")
            for problem in wrong_parameters(shape.value, item, f"{where}.{name}")
        ]
    if shape.type_name == "list":
        return [
            problem
            for index, item in enumerate(value)
            for problem in wrong_parameters(shape.member, item, f"{where}[{index}]")
        ]
    if shape.type_name in SCALARS and not isinstance(value, SCALARS[shape.type_name]):
        return [f"{where} is {value!r}, AWS wants {shape.type_name}"]
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        return [f"{where} is {value!r}, AWS knows {shape.enum}"]
    return []


def has_path(shape: Shape | None, path: list[str]) -> bool:
    """Tell whether a result of this shape can have the field at a path; a map has every name."""
    for name in path:
        if shape is None:
            return False
        if shape.type_name == "map":
            shape = shape.value
        elif shape.type_name == "structure" and name in members(shape):
            shape = members(shape)[name]
        else:
            return False
    return True
