"""Loads a model and its task inside the inference function, importing the serving code of that task alone."""

import importlib
from typing import cast

from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.models.model import load_model
from model_tools.serving.task import Fetch, Task
from model_tools.tasks.registry import spec_of


def load_task(files: ModelFiles, fetch: Fetch, *, threads: int | None = None) -> Task:
    """Return the task that the archive's manifest names, with the model loaded; `threads` is the number it may use."""
    module, _, name = spec_of(files.manifest.task).serve.partition(":")
    serve = getattr(importlib.import_module(module), name)
    return cast("Task", serve(files, load_model(files, threads=threads), fetch))
