"""From an archive in S3 to a loaded model: everything through BytesIO against `model_tools.serving.archive_reader`.

.venv/bin/python benchmarks/loading.py

Each load is in a process of its own, which has imported torch before; the store is a local HTTP server behind boto3.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from archives import store_archive
from nets import save_named
from report import Options, Row, compare, limit, main, progress
from sides import PeakMemory, in_new_process, object_store, s3_client
from tutorials_way import load

from model_tools.aws.faults import for_workflow
from model_tools.aws.objects import ObjectStore, split_uri
from model_tools.formats.release_file import ArchiveReference
from model_tools.serving.archive_reader import read_archive

MODELS = ("126 MB conv net", "ResNet-18", "transformer")


def measure(options: Options) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as name, object_store(Path(name)) as endpoint:
        for model in MODELS[1:2] if options.quick else MODELS:
            progress(f"loading: {model}")
            rows += _measure_model(model, Path(name), endpoint, rounds=3 if options.quick else 5)
    return rows


def _measure_model(name: str, folder: Path, endpoint: str, *, rounds: int) -> list[Row]:
    model = save_named(name, folder)
    reference = store_archive(folder, model, shape=["batch"])
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(in_new_process(load_their_way, endpoint, reference))
        ours.append(in_new_process(load_our_way, endpoint, reference))
    size = model.stat().st_size
    return [
        compare(
            f"load {name} ({size / 1e6:.0f} MB)", [each[0] for each in theirs], [each[0] for each in ours], "s",
            at_least=3,
        ),
        limit(
            "peak memory ÷ the model's size",
            median(each[1] for each in ours) / size, "×", 1.15, theirs=median(each[1] for each in theirs) / size,
        ),
    ]  # fmt: skip


def load_their_way(endpoint: str, reference: ArchiveReference) -> tuple[float, int]:
    """Return the seconds and the bytes that it took."""
    s3 = connected(endpoint, reference)
    bucket, key = split_uri(reference.uri)
    memory, begun = PeakMemory(), time.perf_counter()
    kept = load(lambda: s3.get_object(Bucket=bucket, Key=key))
    seconds = time.perf_counter() - begun
    del kept
    return seconds, memory.rise()


def load_our_way(endpoint: str, reference: ArchiveReference) -> tuple[float, int]:
    """Return the seconds and the bytes that it took, with the digest verified."""
    store = ObjectStore(connected(endpoint, reference), errors=for_workflow)
    with tempfile.TemporaryDirectory() as folder:
        memory, begun = PeakMemory(), time.perf_counter()
        files = read_archive(reference, store.open, Path(folder))
        kept = torch.jit.load(str(files.model), map_location="cpu").eval()
        seconds = time.perf_counter() - begun
        del kept
        return seconds, memory.rise()


def connected(endpoint: str, reference: ArchiveReference) -> Any:
    """Return a client that has its connection already: what botocore does at its first call is neither side's time."""
    s3 = s3_client(endpoint)
    bucket, key = split_uri(reference.uri)
    s3.head_object(Bucket=bucket, Key=key)
    return s3


if __name__ == "__main__":
    main(measure, __doc__)
