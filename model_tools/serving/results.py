"""Writes an answer to S3 that is too large to be sent; the caller gets its address instead."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PutObject = Callable[[str, str, bytes], None]
"""Writes JSON to an object in S3; the arguments are bucket, key and bytes."""


@dataclass(frozen=True)
class ResultStore:
    """The place in S3 for the large answers of one release."""

    bucket: str
    release_id: str
    put: PutObject

    def keep(self, answer: bytes, prefix: str) -> dict[str, Any]:
        """Write an answer's JSON under a unique key, and return its address and size. Raises what `put` raises.

        The key is drawn from the system's random source, whose state is not part of a snapshot.
        """
        key = f"{prefix}{self.release_id}/{uuid.uuid4()}.json"
        self.put(self.bucket, key, answer)
        return {"uri": f"s3://{self.bucket}/{key}", "bucket": self.bucket, "key": key, "bytes": len(answer)}
