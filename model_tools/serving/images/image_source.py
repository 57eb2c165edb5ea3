"""Fetches the image that a request names by its URL, from the web or from S3."""

from collections.abc import Callable, Collection

from model_tools.errors import ModelNotFound
from model_tools.formats.s3_keys import encoded_text, key_problem
from model_tools.serving.images.fetch import Fetcher
from model_tools.serving.requests import BadRequest

MAX_IMAGE_BYTES = 20 << 20
"""The largest size of an image file."""

ReadObject = Callable[[str, int], bytes]
"""Returns an object's bytes; the arguments are its URI and the most bytes allowed. Raises ModelNotFound."""


class ImageSource:
    """Fetches images from the public web, and from the buckets that an operator has named."""

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
        if not key:
            raise BadRequest("the URL names no image in the bucket: write s3://bucket/key.")
        problem = key_problem(key)
        if problem:
            raise BadRequest(f"{problem}.")
        try:
            return self._read_object(url, MAX_IMAGE_BYTES)
        except ModelNotFound as error:
            raise BadRequest(
                f"there is no such image in the bucket, or it has more than {MAX_IMAGE_BYTES:,} bytes."
                f"{encoded_text(key)}"
            ) from error
