"""Errors that more than one room has to put into words, each worded once.

The state machine's definition raises some errors itself; its source, the adapters that meet the same fault in a
function's code, and tests all take the words from here. Arguments may be the definition's substitutions, such as
`${InferenceFunctionName}`.
"""


def alias_is_gone(function: str, alias: str) -> str:
    """Return the words for AliasChanged when the alias that clients call has been deleted."""
    return (
        f"The alias {alias} of {function} is gone, so no request reaches any version. Make it again on the version "
        "that should serve, which `model-tools releases` shows: aws lambda create-alias --function-name "
        f"{function} --name {alias} --function-version N. Then publish again."
    )
