"""Reads Universal Binary JSON, as XGBoost writes it, with bounds on depth and size, and with nothing executed.

Strongly typed arrays become `array.array`s, so that a model of millions of nodes takes no more memory than its file.
"""

import struct
import sys
from array import array
from typing import Any

MAX_DEPTH = 64
"""The largest depth of nested values."""
FORMATS = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"}
"""The codes of the struct and array modules, by the type markers of numbers."""
CONSTANTS: dict[bytes, bool | None] = {b"T": True, b"F": False, b"Z": None}
"""The values of markers that stand for a value alone."""


class DamagedUbjson(ValueError):
    """The bytes are not well-formed Universal Binary JSON."""


def parse_ubjson(data: bytes) -> Any:
    """Return the value that the bytes hold. Raises DamagedUbjson."""
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.position != len(data):
        raise DamagedUbjson(f"{len(data) - reader.position:,} bytes follow its end")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self.position:
            raise DamagedUbjson(f"it ends within a value at byte {self.position:,}")
        self.position += count
        return self._data[self.position - count : self.position]

    def value(self, marker: bytes, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise DamagedUbjson(f"it is nested deeper than {MAX_DEPTH} levels")
        if marker in FORMATS:
            return self._number(marker)
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        if marker == b"S":
            return self._text()
        if marker == b"[":
            return self._array(depth)
        if marker == b"{":
            return self._object(depth)
        raise DamagedUbjson(f"byte {self.position - 1:,} is no type of a value")

    def _number(self, marker: bytes) -> int | float:
        layout = f">{FORMATS[marker]}"
        number: int | float = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return number

    def _length(self) -> int:
        marker = self.take(1)
        length = self._number(marker) if marker in FORMATS else None
        if not isinstance(length, int) or length < 0:
            raise DamagedUbjson(f"the length at byte {self.position:,} is none")
        return length

    def _text(self) -> str:
        try:
            return self.take(self._length()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise DamagedUbjson(f"the text before byte {self.position:,} is not UTF-8") from error

    def _next_is(self, marker: bytes) -> bool:
        if self._data[self.position : self.position + 1] != marker:
            return False
        self.position += 1
        return True

    def _array(self, depth: int) -> Any:
        if self._next_is(b"$"):
            return self._typed_array()
        if self._next_is(b"#"):
            return [self.value(self.take(1), depth + 1) for _ in range(self._count())]
        values = []
        while not self._next_is(b"]"):
            values.append(self.value(self.take(1), depth + 1))
        return values

    def _typed_array(self) -> Any:
        marker = self.take(1)
        if marker not in FORMATS or self.take(1) != b"#":
            raise DamagedUbjson(f"the array at byte {self.position:,} has no type of numbers or no length")
        numbers = array(FORMATS[marker])
        numbers.frombytes(self.take(self._length() * numbers.itemsize))
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers

    def _count(self) -> int:
        """Return the number of values that follow, which cannot be more than the bytes that are left."""
        count = self._length()
        if count > len(self._data) - self.position:
            raise DamagedUbjson(f"the array at byte {self.position:,} is longer than the file")
        return count

    def _object(self, depth: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        count = self._count() if self._next_is(b"#") else None
        while len(fields) != count if count is not None else not self._next_is(b"}"):
            name = self._text()
            if name in fields:
                raise DamagedUbjson(f"the field {name[:80]!r} stands in an object twice")
            fields[name] = self.value(self.take(1), depth + 1)
        return fields
