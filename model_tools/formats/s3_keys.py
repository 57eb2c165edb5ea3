"""The keys that S3 accepts: any text of at most 1,024 bytes, blanks and line breaks included."""

import re

from model_tools.formats.yaml_text import SURROGATE

MAX_KEY_BYTES = 1024
"""S3's limit for the length of a key in UTF-8; for a longer one it answers another error than for a missing object."""


def key_problem(key: str) -> str | None:
    """Return why S3 can hold no object under a key; None for a key that it accepts."""
    if SURROGATE.search(key):
        return "the key has half of a character in it (\\ud800 … \\udfff): write the whole character"
    count = len(key.encode())
    if count > MAX_KEY_BYTES:
        return f"the key has {count:,} bytes in UTF-8, and S3 allows {MAX_KEY_BYTES:,}: correct it"
    return None


def encoded_text(uri: str) -> str:
    """Return a further sentence for the message that nothing is at a URI; empty unless the URI seems URL-encoded."""
    if not re.search(r"%[0-9A-Fa-f]{2}", uri) and "+" not in uri:
        return ""
    return " A key is written as S3 lists it, not URL-encoded: a blank is a blank, neither %20 nor +."
