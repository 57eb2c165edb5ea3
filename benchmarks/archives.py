"""Model archives as a publication leaves them, in a folder that `sides.object_store` serves as a bucket."""

import json
from pathlib import Path

import torch
from sides import BUCKET

from model_tools.formats.release_file import ArchiveReference
from model_tools.packaging.archive.model_archive import write_archive

CLASSES = "".join(f"class {number}\n" for number in range(1000)).encode()


def store_archive(store: Path, model: Path, *, shape: list[int | str], **manifest: object) -> ArchiveReference:
    """Pack a TorchScript file with a manifest, of the tensor task unless told otherwise, and return what it is."""
    described = {
        "name": "measured", "task": "tensor", "inputs": [{"shape": shape}], "output_dtype": "float32",
        "checkpoint_sha256": "0" * 64, "library_version": torch.__version__.partition("+")[0], "tools_version": "0",
    } | manifest  # fmt: skip
    members = {
        "manifest.json": json.dumps(described).encode(), "classes.txt": CLASSES, "parity.json": b"{}",
        "model.pt": model,
    }  # fmt: skip
    key = f"models/measured/{model.stem.replace(' ', '-')}/model.tar.gz"
    path = store / BUCKET / key
    path.parent.mkdir(parents=True, exist_ok=True)
    written = write_archive(path, members)
    unpacked = sum(len(each) if isinstance(each, bytes) else each.stat().st_size for each in members.values())
    uri = f"s3://{BUCKET}/{key}"
    return ArchiveReference(uri=uri, sha256=written.sha256, size=written.size, unpacked=unpacked)
