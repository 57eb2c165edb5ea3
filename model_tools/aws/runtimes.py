"""S3: runtime bundles in the artifacts bucket, and which of them the stack uses now."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from model_tools.aws.faults import CallRefused
from model_tools.aws.objects import ObjectStore
from model_tools.aws.uploads import Etag, Upload, UploadBucket
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import FOLDER, RuntimeReference, pointer_key

CHUNK = 1 << 20
"""Bytes of a file that are held in memory at a time."""


class Built(Protocol):
    """A bundle's files on this machine."""

    @property
    def reference(self) -> RuntimeReference:
        """The bundle's reference; its URI is the key in the bucket."""

    @property
    def bundle(self) -> Path:
        """The bundle itself."""

    @property
    def sbom(self) -> Path:
        """Its bill of materials."""


class RuntimeBucket:
    """The part of a bucket that holds runtime bundles, in an object store whose errors are for people."""

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        self._store = store
        self._uploads = UploadBucket(store, bucket)
        self.bucket = bucket

    def missing(self, built: Built) -> list[Upload]:
        """Return the files of a bundle that have to be uploaded. Raises CallRefused for a file that cannot be read."""
        return self._uploads.missing(FOLDER, [_upload_of(path) for path in (built.bundle, built.sbom)])

    def publish(
        self, built: Built, missing: list[Upload] | None = None, *, progress: Callable[[int], None] = lambda _: None
    ) -> RuntimeReference:
        """Upload the missing files, then let the stack use the bundle from now on; return its reference with its URI.

        `progress` is told the bytes that were sent since it was called last.
        """
        self._uploads.upload(FOLDER, self.missing(built) if missing is None else missing, last="", progress=progress)
        stored = built.reference.model_copy(update={"uri": f"s3://{self.bucket}/{built.reference.uri}"})
        for key in (f"{FOLDER}{stored.sha256}.json", pointer_key(stored.name)):  # the pointer last: all is there then
            self._store.write_json(f"s3://{self.bucket}/{key}", stored.model_dump(mode="json"))
        return stored

    def current(self, name: Library) -> RuntimeReference | None:
        """Return the bundle that the stack uses now; None when it has none, or one that cannot be understood."""
        pointer = self._store.read_if_there(f"s3://{self.bucket}/{pointer_key(name)}")
        if pointer is None:
            return None
        try:
            return RuntimeReference.model_validate_json(pointer)
        except ValueError:
            return None


def _upload_of(path: Path) -> Upload:
    etag = Etag()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                etag.update(chunk)
        return Upload(path, path.name, path.stat().st_size, etag.value())
    except OSError as error:
        raise CallRefused(f"{path} cannot be read ({error.strerror}): build the runtime again.") from error
