"""The steps by which a model answers: preprocess → predict → respond. Each kind of task has its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from model_tools.serving.archive_reader import ModelFiles

Fetch = Callable[[str], bytes]
"""Returns the bytes at a URL. Raises BadRequest."""


class Task(Protocol):
    """Answers requests with one model.

    The values that go from step to step are the task's own. A batch goes through the middle step together.
    """

    def warm_up(self) -> None:
        """Make the first request as fast as any other."""

    def set_threads(self, threads: int) -> None:
        """Compute with so many threads."""

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return the input that one request brings. Raises BadRequest."""

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        """Return the model's output for each of several requests, in order. Raises ModelFailed."""

    def respond(self, output: Any, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer's fields. Raises BadRequest, or ModelFailed for an output that is no answer."""


class LoadTask(Protocol):
    """Loads the model of an archive behind the task that its manifest names: `model_tools.tasks.loading.load_task`."""

    def __call__(self, files: ModelFiles, fetch: Fetch, *, threads: int | None = None) -> Task:
        """Return the task; `threads` are those that the model computes with."""
