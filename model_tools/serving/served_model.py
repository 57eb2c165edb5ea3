"""A model that is loaded, warmed up and ready to answer requests of its task."""

from collections.abc import Mapping
from typing import Any

from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.sections import Results
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.batches import answer_batch
from model_tools.serving.task import Fetch, LoadTask, Task


class ServedModel:
    """Answers requests with one model."""

    def __init__(self, task: Task, results: Results | None) -> None:
        self._task = task
        self.results = results
        """The manifest's section on answers that are too large to be sent; None without one."""
        self.set_threads = task.set_threads

    def predict(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer's fields; for a batch of `requests`, the field `answers`.

        Raises BadRequest; any other error is the model's fault.
        """
        if BATCH_FIELD in request:
            return answer_batch(self._task, request)
        (output,) = self._task.predict([self._task.preprocess(request)])
        return self._task.respond(output, request)


def load_served_model(
    files: ModelFiles, fetch: Fetch, load_task: LoadTask, *, threads: int | None = None
) -> ServedModel:
    """Return the model, loaded and warmed up; its file is not needed any more afterwards.

    The model computes with `threads` threads, or with the library's default number when `threads` is None.
    """
    task = load_task(files, fetch, threads=threads)
    task.warm_up()
    return ServedModel(task, files.manifest.results)
