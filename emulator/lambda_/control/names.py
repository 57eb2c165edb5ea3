"""Names of functions in requests: a name, a partial ARN or an ARN, with or without a qualifier. Pure."""

from emulator.lambda_.api_errors import InvalidParameterValue


def split_name(given: str, qualifier: str | None = None) -> tuple[str, str | None]:
    """Return the function's name and the qualifier, None without one.

    Raises InvalidParameterValueException when the name has another qualifier than the request.
    """
    tail = given.rpartition("function:")[2] if "function:" in given else given
    name, _, own = tail.partition(":")
    if own and qualifier and own != qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return name, own or qualifier or None
