"""Makes the folders of the exercises' models; the caller's function saves the checkpoints."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from model_tools.bundling.exercises.catalogue import REQUESTS_FILE, ExerciseModel, models_of
from model_tools.formats.manifest import MANIFEST_NAME, Library


def make_folders(
    runtime: Library, folder: Path, save: Callable[[ExerciseModel, Path], None], files: Mapping[str, str] | None = None
) -> None:
    """Write a folder for each model of the runtime; in requests, `files` replaces "@name" by the text of that name."""
    for model in models_of(runtime):
        home = folder / model.name
        home.mkdir(parents=True)
        manifest = {"name": model.name, "task": model.task, "checkpoint": model.checkpoint, **model.manifest}
        (home / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1), encoding="utf-8")  # JSON is valid YAML
        for name, text in model.files.items():
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).write_text(text, encoding="utf-8")
        save(model, home / model.checkpoint)
        requests = [_filled_in(request, files or {}) for request in model.requests]
        (home / REQUESTS_FILE).write_text(json.dumps(requests), encoding="utf-8")


def _filled_in(request: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    return {
        field: files[value[1:]] if isinstance(value, str) and value.startswith("@") else value
        for field, value in request.items()
    }
