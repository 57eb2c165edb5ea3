"""Runs in a Python that sees no installed package but the library's layer: comes by torch, imports it, tells the time.

`python -S -P import_torch.py zip ARCHIVE FOLDER` or `… tmp|memory BUNDLE FOLDER`, where BUNDLE is the packed file with
its reference beside it. Prints seconds and the peak of resident memory in MB.
"""

import contextlib
import resource
import sys
import time
import zipfile
from pathlib import Path


def unzip(archive: Path, folder: Path) -> None:
    """Unpack a zip of installed packages below /tmp and make them importable, as tutorials do."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    sys.path.insert(0, str(folder))


def main() -> None:
    side, source, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if side != "zip":
        from model_tools.formats.runtime_reference import RuntimeReference  # noqa: PLC0415
        from model_tools.runtime.loading import provide_runtime  # noqa: PLC0415 (part of every init, not of loading)

        inventory = source.with_name(source.name.replace(".tar.zst", ".json"))
        reference = RuntimeReference.model_validate_json(inventory.read_bytes())
    begun = time.perf_counter()
    if side == "zip":
        unzip(source, folder)
    else:
        provide_runtime(
            reference,
            lambda _uri: contextlib.closing(source.open("rb")),
            side,
            folder=folder,
            part="serving",
        )
    import torch  # noqa: PLC0415 (it has only now become importable)

    seconds = time.perf_counter() - begun
    torch.ones(2).sum()
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


if __name__ == "__main__":
    main()
