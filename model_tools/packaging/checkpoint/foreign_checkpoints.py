"""Names the files that are not in the format that their suffix promises, and says what to do with them. Pure.

Nothing in them is executed: a file is told by its first bytes alone.
"""

from collections.abc import Mapping
from pathlib import PurePath

HEAD_BYTES = 64
"""The number of bytes at the beginning of a file by which its format is told."""
TORCH_HEADS = (b"PK\x03\x04", b"\x80")
"""The first bytes of what torch.save writes: a zip, or a pickle in the format before torch 1.6."""
SERVED_FORMATS = (
    "publish the PyTorch model that it was made from, saved by torch.save(model.state_dict(), …) or as .safetensors"
)
FORMATS: Mapping[bytes, tuple[str, str]] = {
    b"version https:/": ("a Git LFS pointer, not the file itself", "run `git lfs pull` and upload it again"),
    b"<!doctype html": ("a web page, as a download that needs a login leaves it", "download the file itself"),
    b"<html": ("a web page, as a download that needs a login leaves it", "download the file itself"),
    b"\x89hdf\r\n": ("an HDF5 file, as Keras writes", SERVED_FORMATS),
    b"gguf": ("a GGUF file, as llama.cpp reads", SERVED_FORMATS),
    b"\x93numpy": ("a NumPy array", SERVED_FORMATS),
    b"\x1f\x8b": ("compressed by gzip", "decompress it with gunzip, or name it .tar.gz if it is an archive"),
}
"""What a file is and what to do, by its first bytes with letters in lower case."""


def foreign_checkpoint(name: str, head: bytes) -> str | None:
    """Return the message for a file in another format than its name promises; None for a file of no format known here.

    `head` holds the first HEAD_BYTES bytes of the file.
    """
    if not head:
        return f"{name} is empty: copy or save it again."
    known = next((found for start, found in FORMATS.items() if head.lower().startswith(start)), None)
    if known is not None:
        return f"{name} is {known[0]}: {known[1]}."
    is_named_safetensors = name.endswith(".safetensors")
    if is_named_safetensors and head.startswith(TORCH_HEADS):
        return _misnamed(name, "what torch.save writes, no safetensors", ".pt")
    if not is_named_safetensors and head[8:9] == b"{" and not head[6:8].strip(b"\0"):
        return _misnamed(name, "safetensors", ".safetensors")
    return None


def _misnamed(name: str, held: str, suffix: str) -> str:
    right = PurePath(name).with_suffix(suffix).name
    return f"{name} holds {held}: rename it to {right}, and name {right} as checkpoint in publish.yaml."
