"""Reads and writes `classes.txt`: one class name a line, in the order of the model's outputs."""

import re

from model_tools.errors import ClassesMismatch
from model_tools.formats.text_files import decode_text

MAX_CLASSES_BYTES = 16 << 20
"""The largest size of a classes file."""


def parse_classes(data: bytes, *, where: str) -> list[str]:
    """Return the names in a classes file; a BOM, any line ends and blank lines at the end are accepted.

    Raises ClassesMismatch for other blank lines, duplicates, or bytes that are not UTF-8. `where` names the file.
    """
    text = decode_text(
        data, where=where, max_bytes=MAX_CLASSES_BYTES, kind="list of class names", error=ClassesMismatch
    )
    # splitlines() would also split at U+2028 and other characters that a name may hold.
    names = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise ClassesMismatch(f"{where} is empty: write one class name a line, in the order of the model's outputs.")
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise ClassesMismatch(
                f"{where}: line {number} is blank: remove it, or write the name of the model's output {number - 1} "
                "there."
            )
        if name in first:
            raise ClassesMismatch(
                f"{where}: line {number} names {name!r} again (first in line {first[name]}): give each output its own "
                "name."
            )
        first[name] = number
    return names


def render_classes(names: list[str]) -> bytes:
    """Return the classes file as the archive holds it: UTF-8, one name a line."""
    return "".join(f"{name}\n" for name in names).encode()
