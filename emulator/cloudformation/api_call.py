"""Calling an operation with a template's values, which may be text where the API wants a number."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def call(client: Any, operation: str, **parameters: Any) -> Any:
    """Call a boto3 client's method; values are fitted to the operation's shape, as CloudFormation does."""
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    return getattr(client, operation)(**fit(parameters, model.input_shape))


def fit(value: Any, shape: Shape | None) -> Any:
    """Return the value in the shape's type where it is text (or a number) that says the same."""
    if shape is None or value is None:
        return value
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: fit(item, shape.members.get(key)) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [fit(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {str(key): fit(item, shape.value) for key, item in value.items()}
    return _fit_scalar(value, shape.type_name)


def _fit_scalar(value: Any, kind: str) -> Any:
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("float", "double") and isinstance(value, str):
        return float(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    return value
