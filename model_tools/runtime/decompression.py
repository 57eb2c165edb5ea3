"""Fetches, measures and decompresses a bundle's bytes in one thread while another thread uses them."""

import hashlib
import io
import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self, cast

import zstandard
from typing_extensions import Buffer

BLOCK = 1 << 20
"""Bytes of a block of decompressed data."""
BLOCKS = 8
"""The number of blocks. They are reused, since touching new memory takes longer than filling it."""
MAX_WINDOW = 1 << 27
"""Bytes of memory that decompression may take, enough for every level of zstd."""


class Decompressed:
    """The decompressed bytes of a stream's first `size` bytes, in order; no byte after them is read.

    It is a context manager, which starts the thread and waits for its end. `read` raises zstandard.ZstdError, EOFError
    at the end, and the errors of the stream.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._measured = _LimitedStream(stream, size)
        self._free: queue.SimpleQueue[bytearray | None] = queue.SimpleQueue()
        self._filled: queue.SimpleQueue[tuple[bytearray, int] | BaseException] = queue.SimpleQueue()
        self._block: bytearray | None = None
        self._view = memoryview(b"")
        self._thread = threading.Thread(target=self._work, name="decompression", daemon=True)
        for _ in range(BLOCKS):
            self._free.put(bytearray(BLOCK))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._free.put(None)
        while self._thread.is_alive():  # the thread fills the blocks before the None, or ends by itself
            self._thread.join()

    def read(self, most: int) -> memoryview:
        """Return the next bytes, 1 to `most` of them, valid until the next call. Raises EOFError at the end."""
        if not self._view:
            self._next_block()
        piece, self._view = self._view[:most], self._view[most:]
        return piece

    def at_end(self) -> bool:
        """Tell whether all bytes have been read."""
        if not self._view:
            try:
                self._next_block()
            except EOFError:
                return True
        return False

    def read_exactly(self, count: int) -> bytes:
        """Return the next `count` bytes. Raises EOFError when there are fewer."""
        data = bytearray()
        while len(data) < count:
            data += self.read(count - len(data))
        return bytes(data)

    def finish(self) -> str:
        """Read the rest and return the SHA-256 of the compressed bytes, 64 hex digits."""
        while not self.at_end():
            self.read(BLOCK)
        return self._measured.digest.hexdigest()

    def _next_block(self) -> None:
        if self._block is not None:
            self._free.put(self._block)
            self._block = None
        filled = self._filled.get()
        if isinstance(filled, BaseException):
            self._filled.put(filled)  # a further call must raise the same error
            raise filled
        self._block, length = filled
        self._view = memoryview(self._block)[:length]

    def _work(self) -> None:
        try:
            decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
            source = cast("IO[bytes]", self._measured)
            with decompressor.stream_reader(source, read_size=BLOCK, read_across_frames=True) as reader:
                while (block := self._free.get()) is not None and (length := _fill_block(block, reader.readinto)):
                    self._filled.put((block, length))
            self._filled.put(EOFError("it ends too early"))
        except BaseException as error:  # noqa: BLE001 (the reading thread raises it again)
            self._filled.put(error)


class _LimitedStream(io.RawIOBase):
    """A stream that ends after `size` bytes and keeps their digest."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        data = self._stream.read(min(len(view), self._left)) if self._left else b""
        self._left -= len(data)
        self.digest.update(data)
        view[: len(data)] = data
        return len(data)


def _fill_block(block: bytearray, readinto: Callable[[memoryview], int]) -> int:
    view = memoryview(block)
    filled = 0
    while filled < len(block) and (count := readinto(view[filled:])):
        filled += count
    return filled
