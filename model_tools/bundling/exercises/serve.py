"""Serves the model that was packaged in a scratch folder, as the inference function does. It runs as a module."""

import json
import sys
from pathlib import Path
from typing import IO

from model_tools.formats.release_file import ArchiveReference
from model_tools.serving.archive_reader import read_archive
from model_tools.serving.served_model import load_served_model
from model_tools.serving.service import handle
from model_tools.tasks.loading import load_task


def serve(scratch: Path) -> None:
    """Load the model and let it answer the events. Raises RuntimeError for an error in an answer."""
    reference = ArchiveReference.model_validate_json((scratch / "archive.json").read_bytes())
    folder = scratch / "served"
    folder.mkdir()
    files = read_archive(reference, _open, folder)
    predictor = load_served_model(files, _refuse_to_fetch, load_task)
    for event in json.loads((scratch / "events.json").read_bytes()):
        answer = handle(event, predictor, version="1")
        if "error" in answer:
            raise RuntimeError(f"{event!r:.300} is answered {answer!r:.300}")


def _open(uri: str) -> IO[bytes]:
    return Path(uri).open("rb")


def _refuse_to_fetch(url: str) -> bytes:
    raise RuntimeError(f"an exercise asks for {url}")


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
