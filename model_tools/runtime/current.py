"""Fetches the stack's current runtime bundles into /tmp, once in a process, for functions that trace or train.

A bundle is current when `runtimes/<name>.json` in the artifacts bucket names it; `model-tools runtime build` writes
that file.
"""

import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Protocol

from pydantic import ValidationError

from model_tools.errors import ModelNotFound, RuntimeDamaged, RuntimeMissing, ServiceUnavailable
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import RuntimeReference, pointer_key
from model_tools.runtime.loading import is_importable
from model_tools.runtime.unpacking import unpack_runtime

MAX_POINTER_BYTES = 1 << 20
"""The largest size of the file that names a current bundle."""


class Store(Protocol):
    """Reads objects by their URI."""

    def read(self, uri: str, *, max_bytes: int) -> bytes:
        """Return the bytes of a small object, at most `max_bytes`. Raises ModelNotFound."""

    def open(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        """Return a context manager over an object's bytes. Raises ModelNotFound."""


class CurrentRuntimes:
    """Makes the library of a model importable, by this process and by its children."""

    def __init__(self, artifacts_uri: str, store: Store, folder: Path) -> None:
        self._artifacts_uri = artifacts_uri
        self._store = store
        self._folder = folder
        self._installed = {name for name in ("torch", "xgboost") if is_importable(name)}

    def prepare(self, name: Library) -> None:
        """Provide a runtime if that is possible now; otherwise the later call of `provide` raises the reason."""
        with suppress(RuntimeMissing, ServiceUnavailable):
            self.provide(name)

    def provide(self, name: Library) -> RuntimeReference | None:
        """Make the current bundle importable and return its reference; None if the library is installed.

        Only one bundle is importable at a time, since bundles have packages in common. Raises RuntimeMissing,
        RuntimeDamaged and RuntimeMismatch.
        """
        if name in self._installed:
            return None
        reference = self._current(name)
        path = unpack_runtime(reference, self._store.open, self._folder)
        sys.path[:] = [str(path), *(entry for entry in sys.path if not entry.startswith(str(self._folder)))]
        return reference

    def _current(self, name: Library) -> RuntimeReference:
        uri = f"{self._artifacts_uri}/{pointer_key(name)}"
        try:
            return RuntimeReference.model_validate_json(self._store.read(uri, max_bytes=MAX_POINTER_BYTES))
        except ModelNotFound as error:
            raise RuntimeMissing(
                f"The stack has no runtime bundle for {name}, and {name} is not installed here: build and upload one "
                f"with `model-tools runtime build --name {name}`, or use the image lane."
            ) from error
        except ValidationError as error:
            raise RuntimeDamaged(
                f"{uri} is no reference to a runtime bundle: build and upload one again with `model-tools runtime "
                f"build --name {name}`."
            ) from error
