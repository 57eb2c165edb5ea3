"""JSON that people can read: what fits on a line stands on one, and a blank line parts the states."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

WIDTH = 120
"""Characters of a line."""
INDENT = 2
STATE_INDENT = 2 * INDENT
"""Characters before a state's name. From here upwards every field has a line of its own."""


def to_json(definition: dict[str, Any]) -> str:
    """Return a state machine's definition as JSON, with a newline at its end."""
    end_of_state = f"\n{' ' * STATE_INDENT}}},\n"
    return _laid_out(definition, 0, column=0).replace(end_of_state, end_of_state + "\n") + "\n"


def _laid_out(value: Any, indent: int, *, column: int) -> str:
    """Return a value as JSON. It begins at a column of a line that is indented by `indent`; a comma may follow it."""
    line = json.dumps(value, ensure_ascii=False)
    fits = column + len(line) < WIDTH
    if not isinstance(value, dict | list) or not value or (fits and indent > STATE_INDENT):
        return line
    inner = indent + INDENT
    if isinstance(value, dict):
        names = [f"{json.dumps(name, ensure_ascii=False)}: " for name in value]
        opening, items, closing = "{", list(value.values()), "}"
    else:
        names = [""] * len(value)
        opening, items, closing = "[", value, "]"
    parts = [name + _laid_out(item, inner, column=inner + len(name)) for name, item in zip(names, items, strict=True)]
    lines = parts if indent <= STATE_INDENT else _filled(parts, WIDTH - inner)
    return f"{opening}\n" + ",\n".join(" " * inner + line for line in lines) + f"\n{' ' * indent}{closing}"


def _filled(parts: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines that hold as many words as fit: error names, numbers and paths, each with its field's name."""
    line = ""
    for part in parts:
        is_word = "\n" not in part and part.count(" ") == part.count('": ')
        joined = f"{line}, {part}" if line and is_word else part
        if line and (not is_word or len(joined) >= width):
            yield line
            joined = part
        line = joined if is_word else ""
        if not is_word:
            yield part
    if line:
        yield line
