"""Small text files that people write: manifests, lists of names, requirements."""

from model_tools.errors import ManifestInvalid, PublishError


def decode_text(
    data: bytes, *, where: str, max_bytes: int, kind: str, error: type[PublishError] = ManifestInvalid
) -> str:
    """Return the text of a file, without the byte order mark that some editors write.

    Raises `error` for more than `max_bytes` bytes, which no file of this `kind` needs, and for bytes that are not
    UTF-8. `where` names the file and `kind` what it should be ("list of class names").
    """
    if len(data) > max_bytes:
        raise error(
            f"{where} has {len(data):,} bytes, and no {kind} has more than {max_bytes:,}: it seems to be another file."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{where} is not UTF-8 text (byte {problem.start}): save it as UTF-8.") from problem
