"""Small archives as packaging writes them, made with nothing but the standard library and torch."""

import hashlib
import io
import json
import tarfile
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import IO

import torch

from model_tools.formats.manifest import TaskName
from model_tools.formats.release_file import RELEASE_FILE, ArchiveReference, ReleaseFile
from model_tools.formats.runtime_reference import RuntimeReference
from model_tools.tasks.registry import spec_of

TENSOR = {
    "name": "double",
    "task": "tensor",
    "inputs": [{"shape": ["batch", 4]}],
    "axes": {"batch": {"min": 1, "max": 8}},
    "output_dtype": "float32",
    "batch_axes": [0],
    "checkpoint_sha256": "0" * 64,
    "library_version": torch.__version__,
    "tools_version": "0",
}
IMAGE = TENSOR | {
    "name": "brightness",
    "task": "image-classification",
    "inputs": [{"shape": ["batch", 1, 4, 4]}],
    "preprocess": {"size": [4, 4], "mode": "L"},
}


class Double(torch.nn.Module):
    """[N, 4] → [N, 4], doubled."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers * 2


class Brightness(torch.nn.Module):
    """[N, 1, 4, 4] in 0…1 → [N, 2] logits of dark and bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([10 * (0.5 - mean), 10 * (mean - 0.5)], 1)


def model_bytes(model: torch.nn.Module, *inputs: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(model.eval(), inputs), buffer)
    return buffer.getvalue()


def members(manifest: dict[str, object]) -> dict[str, bytes]:
    files = {"manifest.json": json.dumps(manifest).encode(), "parity.json": b"{}"}
    if manifest["task"] == "tensor":
        return files | {"model.pt": model_bytes(Double(), torch.zeros(1, 4))}
    return files | {"classes.txt": b"dark\nbright\n", "model.pt": model_bytes(Brightness(), torch.zeros(1, 1, 4, 4))}


def tar_gz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


class Stored:
    """One archive in a store, and the reference to it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        digest = hashlib.sha256(data).hexdigest()
        self.reference = ArchiveReference(
            uri="s3://artifacts/models/m/x/model.tar.gz", sha256=digest, size=len(data), unpacked=len(data)
        )

    def open(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        assert uri == self.reference.uri
        return closing(io.BytesIO(self.data))


def write_release(
    folder: Path, stored: Stored, task: TaskName = "tensor", runtime: RuntimeReference | None = None
) -> None:
    release = ReleaseFile(
        release_id="m-1", execution="run-1", archive=stored.reference, runtime=runtime, part=spec_of(task).bundle_part
    )
    (folder / RELEASE_FILE).write_text(release.model_dump_json())
