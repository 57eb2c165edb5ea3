"""Calling an operation with a template's values, which may be text where the API wants a number."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def call(client: Any, operation: str, **parameters: Any) -> Any:
    """Call a method of a boto3 client. Values are converted to the types of the operation, as CloudFormation does."""
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    return getattr(client, operation)(**convert(parameters, model.input_shape))


def convert(value: Any, shape: Shape | None) -> Any:
    """Return a value in the type of a shape, where its text or number can be converted."""
    if shape is None or value is None:
        return value
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: convert(item, shape.members.get(key)) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [convert(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {str(key): convert(item, shape.value) for key, item in value.items()}
    return _convert_scalar(value, shape.type_name)


def _convert_scalar(value: Any, kind: str) -> Any:
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
