"""Packages a model as the tracing function does. It runs as a module with the model's folder and a scratch folder."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model_tools.bundling.exercises.catalogue import REQUESTS_FILE
from model_tools.formats.release_file import ArchiveReference
from model_tools.packaging.package import Package, package_model

ARCHIVE_FILE = "archive.json"
"""The file of the scratch folder with the reference to the archive."""
EVENTS_FILE = "events.json"
"""The file of the scratch folder with the events that the model must answer."""


def package(folder: Path, scratch: Path) -> None:
    """Package the model; write ARCHIVE_FILE and EVENTS_FILE into the scratch folder."""
    packaged = package_model(folder, scratch / "package")
    reference = ArchiveReference(
        uri=str(packaged.archive), sha256=packaged.sha256, size=packaged.size, unpacked=packaged.unpacked
    )
    (scratch / ARCHIVE_FILE).write_text(reference.model_dump_json(), encoding="utf-8")
    (scratch / EVENTS_FILE).write_text(json.dumps(list(_events(packaged, folder))), encoding="utf-8")


def _events(packaged: Package, folder: Path) -> Iterator[dict[str, Any]]:
    for line in packaged.samples.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["event"]
    if (folder / REQUESTS_FILE).is_file():
        yield from json.loads((folder / REQUESTS_FILE).read_text(encoding="utf-8"))


if __name__ == "__main__":
    package(Path(sys.argv[1]), Path(sys.argv[2]))
