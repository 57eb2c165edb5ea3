"""Finds the names that a pickle would import if it were loaded, by reading its instructions without executing any."""

import io
import pickletools
from typing import BinaryIO

SCANNED_BYTES = 16 << 20
"""The bytes that are searched, enough for any pickle that names code; tensors' bytes come after it or elsewhere."""
MAX_NAMES = 50
"""The largest number of names that are returned."""


def names_in_pickles(stream: BinaryIO) -> list[str]:
    """Return the `module.name`s that the pickles at the head of a stream import, in order, each once.

    A damaged pickle is read up to its fault.
    """
    data = io.BytesIO(stream.read(SCANNED_BYTES))
    names: dict[str, None] = {}
    while data.tell() < len(data.getbuffer()) and len(names) < MAX_NAMES:
        try:
            _collect(data, names)
        except (ValueError, IndexError, UnicodeDecodeError, OverflowError):
            break
    return list(names)[:MAX_NAMES]


def _collect(data: BinaryIO, names: dict[str, None]) -> None:
    strings: list[str] = []
    memo: dict[int, str] = {}
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("GLOBAL", "INST"):
            names[str(argument).replace(" ", ".", 1)] = None
        elif opcode.name == "STACK_GLOBAL" and len(strings) > 1:
            names[f"{strings[-2]}.{strings[-1]}"] = None
        elif "UNICODE" in opcode.name or "STRING" in opcode.name:
            strings.append(str(argument))
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = strings[-1] if strings else ""
        elif "GET" in opcode.name and isinstance(argument, int) and argument in memo:
            strings.append(memo[argument])
