"""The interface of a task: the steps preprocess → predict → respond, which each kind of task implements."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from model_tools.serving.archive_reader import ModelFiles

Fetch = Callable[[str], bytes]
"""Returns the bytes at a URL. Raises BadRequest."""


class Task(Protocol):
    """Answers requests with one model.

    Each task has its own types of the values that go from step to step. Several requests share one call of `predict`.
    """

    def warm_up(self) -> None:
        """Make the first request as fast as any other."""

    def set_threads(self, threads: int) -> None:
        """Compute with this number of threads from now on."""

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return the model's input from one request. Raises BadRequest."""

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        """Return the model's output for each of several requests, in order. Raises ModelFailed."""

    def respond(self, output: Any, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer's fields. Raises BadRequest, or ModelFailed for an output that cannot be an answer."""


class LoadTask(Protocol):
    """Loads an archive's model with the task that its manifest names: `model_tools.tasks.loading.load_task`."""

    def __call__(self, files: ModelFiles, fetch: Fetch, *, threads: int | None = None) -> Task:
        """Return the task; the model computes with `threads` threads, or the library's default number for None."""
