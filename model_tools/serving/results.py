"""Answers that are too large to be sent: written to S3, and their key is answered."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PutObject = Callable[[str, str, bytes], None]
"""Writes a JSON object: bucket, key, bytes."""


@dataclass(frozen=True)
class ResultStore:
    """Where the results of one release go."""

    bucket: str
    release_id: str
    put: PutObject

    def keep(self, answer: bytes, prefix: str) -> dict[str, Any]:
        """Write an answer's JSON under a name of its own and return where it is. Raises what `put` raises.

        The name is drawn from the system's random source, which a snapshot does not hold.
        """
        key = f"{prefix}{self.release_id}/{uuid.uuid4()}.json"
        self.put(self.bucket, key, answer)
        return {"uri": f"s3://{self.bucket}/{key}", "bucket": self.bucket, "key": key, "bytes": len(answer)}
