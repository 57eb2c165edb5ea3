"""Units of bytes, and how messages write them."""

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
"""Bytes. Lambda's documentation calls 1,048,576 bytes a MB."""


def size_text(count: int) -> str:
    """Return bytes in Lambda's MB of 1,048,576, or in kB of 1,024 where they are few."""
    return f"{count / MIB:,.1f} MB" if count >= MIB else f"{count / KIB:,.1f} kB"
