"""Where the image that a request names by its URL comes from."""

from collections.abc import Callable, Collection

from model_tools.errors import ModelNotFound
from model_tools.serving.images.fetch import Fetcher
from model_tools.serving.requests import BadRequest

MAX_IMAGE_BYTES = 20 << 20
MAX_KEY_BYTES = 1024
"""S3's limit; it answers a longer key with an error of its own."""

ReadObject = Callable[[str, int], bytes]
"""Returns the bytes of an object by its URI, of at most so many bytes. Raises ModelNotFound."""


class ImageSource:
    """Fetches from the public web, and from buckets that an operator has named."""

    def __init__(self, fetcher: Fetcher, read_object: ReadObject, allowed_buckets: Collection[str]) -> None:
        self._fetcher = fetcher
        self._read_object = read_object
        self._allowed_buckets = allowed_buckets

    def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL. Raises BadRequest."""
        if not url.startswith("s3://"):
            return self._fetcher.fetch(url)
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if bucket not in self._allowed_buckets:
            raise BadRequest("images are not read from that bucket; the operator must name it (ImageBucketName).")
        if not 0 < len(key.encode("utf-8", "replace")) <= MAX_KEY_BYTES or not key.isprintable():
            raise BadRequest("there is no such image in the bucket: write s3://bucket/key.")
        try:
            return self._read_object(url, MAX_IMAGE_BYTES)
        except ModelNotFound as error:
            raise BadRequest("there is no such image in the bucket, or it is too large.") from error
