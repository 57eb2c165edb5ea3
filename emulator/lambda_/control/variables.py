"""Checking the environment variables of a function's configuration. Pure."""

from collections.abc import Mapping

from emulator.lambda_.api_errors import InvalidParameterValue

VARIABLES_LIMIT = 4096
"""Bytes of all names and values together."""

RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip
"""The names that Lambda sets itself, and lets nobody else set."""


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise InvalidParameterValueException for reserved names, and for more than 4 KB in all."""
    if used := sorted(RESERVED & variables.keys()):
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(used)}"
        )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > VARIABLES_LIMIT:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {size} bytes"
        )
