"""S3: runtime bundles in the artifacts bucket, and which of them the stack uses now."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from model_tools.aws.connection import CallRefused, explained
from model_tools.aws.uploads import Etag, Upload, UploadBucket
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import FOLDER, RuntimeReference, pointer_key

CHUNK = 1 << 20


class Built(Protocol):
    """A bundle's files on this machine."""

    @property
    def reference(self) -> RuntimeReference:
        """What the bundle is; its URI is the key in the bucket."""

    @property
    def bundle(self) -> Path:
        """The bundle itself."""

    @property
    def sbom(self) -> Path:
        """Its bill of materials."""


class RuntimeBucket:
    """The part of a bucket that holds runtime bundles, through one boto3 client."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._s3 = client
        self._uploads = UploadBucket(client, bucket)
        self.bucket = bucket

    def missing(self, built: Built) -> list[Upload]:
        """Return what of a bundle has to be uploaded. Raises CallRefused for a file that cannot be read."""
        return self._uploads.missing(FOLDER, [_upload_of(path) for path in (built.bundle, built.sbom)])

    def publish(
        self, built: Built, missing: list[Upload] | None = None, *, progress: Callable[[int], None] = lambda _: None
    ) -> RuntimeReference:
        """Upload what is missing, then let the stack use the bundle from now on; return its reference with its URI.

        `progress` is told the bytes that were sent since it was called last.
        """
        self._uploads.upload(FOLDER, self.missing(built) if missing is None else missing, last="", progress=progress)
        stored = built.reference.model_copy(update={"uri": f"s3://{self.bucket}/{built.reference.uri}"})
        body = stored.model_dump_json(indent=1).encode()
        for key in (f"{FOLDER}{stored.sha256}.json", pointer_key(stored.name)):  # the pointer last: all is there then
            with explained(f"writing s3://{self.bucket}/{key}", self._known):
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")
        return stored

    def current(self, name: Library) -> RuntimeReference | None:
        """Return the bundle that the stack uses now; None when it has none, or one that cannot be understood."""
        key = pointer_key(name)
        try:
            with explained(f"reading s3://{self.bucket}/{key}", self._known):
                body = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except CallRefused as error:
            if _is_missing(error.__cause__):
                return None
            raise
        try:
            return RuntimeReference.model_validate_json(body)
        except ValueError:
            return None

    @property
    def _known(self) -> dict[str, str]:
        return {"NoSuchBucket": f"There is no bucket {self.bucket}: deploy the stack again."}


def _upload_of(path: Path) -> Upload:
    etag = Etag()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                etag.update(chunk)
        return Upload(path, path.name, path.stat().st_size, etag.value())
    except OSError as error:
        raise CallRefused(f"{path} cannot be read ({error.strerror}): build the runtime again.") from error


def _is_missing(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404")
