"""The members of an archive that nobody has vouched for, measured before tarfile reads their headers."""

import tarfile

from model_tools.formats.sizes import KIB

MAX_HEADER_BYTES = 64 * KIB
"""The largest extended header of a tar member (such as a long name), which tarfile reads whole into memory."""
_HEADER_TYPES = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


class HeaderTooLarge(tarfile.TarError):
    """An extended header is so large that it could fill the memory."""


class MeasuredMember(tarfile.TarInfo):
    """A member whose extended header is measured before tarfile reads it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "MeasuredMember":
        """Return the member that a block of 512 bytes describes. Raises HeaderTooLarge."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADER_TYPES and member.size > MAX_HEADER_BYTES:
            raise HeaderTooLarge(f"it has a header of more than {MAX_HEADER_BYTES:,} bytes, which no file name needs")
        return member
