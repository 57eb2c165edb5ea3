"""Tells whether a line of the user's code does nothing but print or log, so that what it reads decides nothing."""

import ast
import linecache
import logging
import re
from functools import cache

from model_tools.packaging.proof.user_places import Place

PRINTS = re.compile(r"(print|pprint|warnings\.warn|((self|cls)\.)?_?log(ger|ging)?\.\w+)", re.IGNORECASE)
"""The functions that print or log, as code calls them."""


@cache
def only_prints(place: Place) -> bool:
    """Tell whether a place is in a statement that prints or logs, or in the module that logs."""
    filename, line = place
    if filename == logging.__file__:
        return True
    lines = linecache.getlines(filename)
    try:
        statements = ast.walk(ast.parse("".join(lines)))
    except (SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        # A condition before it on the same line may decide something.
        and not lines[node.lineno - 1][: node.col_offset].strip()
        and PRINTS.fullmatch(ast.unparse(node.value.func)) is not None
        for node in statements
    )
