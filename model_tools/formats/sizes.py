"""Units of bytes, and how messages write them."""

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
"""The bytes of each unit. Lambda's documentation calls 1,048,576 bytes a MB."""


def size_text(count: int) -> str:
    """Return a number of bytes as text: in Lambda's MB of 1,048,576 bytes, or below that in kB of 1,024 bytes."""
    return f"{count / MIB:,.1f} MB" if count >= MIB else f"{count / KIB:,.1f} kB"
