"""One kind of task: preprocess → predict → respond. A model's archive says which it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.models.model import load_model
from model_tools.serving.requests import BadRequest

Fetch = Callable[[str], bytes]
"""Returns the bytes at a URL. Raises BadRequest."""


class Task(Protocol):
    """Answers requests with one model.

    What goes from step to step is the task's own. A batch goes through the middle step together.
    """

    def warm_up(self) -> None:
        """Make the first request as fast as any other."""

    def set_threads(self, threads: int) -> None:
        """Compute with so many threads."""

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return what one request asks the model. Raises BadRequest."""

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        """Return what the model makes of each of several requests, in order. Raises ModelFailed."""

    def respond(self, output: Any, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer's fields. Raises BadRequest, or ModelFailed for what is no answer."""


def load_task(files: ModelFiles, fetch: Fetch, *, threads: int | None = None) -> Task:
    """Load an archive's model behind its task. Only what the kind of task needs is imported."""
    model: Any = load_model(files, threads=threads)
    match files.manifest.task:
        case "image-classification":
            from model_tools.tasks.image_classification.serve import ImageClassification  # noqa: PLC0415

            return ImageClassification(files, model, fetch)
        case "tensor":
            from model_tools.tasks.tensor.serve import TensorTask  # noqa: PLC0415

            return TensorTask(model)
        case "tabular":
            from model_tools.tasks.tabular.serve import Tabular  # noqa: PLC0415

            return Tabular(files, model)
        case "text-to-text":
            from model_tools.tasks.text_to_text.serve import TextToText  # noqa: PLC0415

            return TextToText(files, model)
        case "embedding":
            from model_tools.tasks.embedding.serve import EmbeddingTask  # noqa: PLC0415

            return EmbeddingTask(files, model, fetch)
        case "custom":
            from model_tools.tasks.custom.serve import CustomTask  # noqa: PLC0415

            return CustomTask(files, model, fetch)


def require_only(request: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise BadRequest for a field that means nothing."""
    for name in request:
        if name not in known:
            unknown = sorted(str(name) for name in request if name not in known)
            # In ASCII: not everything that JSON can escape may stand in an answer.
            raise BadRequest(f"unknown field(s) {', '.join(unknown)[:200]!a}; there is {', '.join(sorted(known))}.")


def whole_number(request: Mapping[str, Any], name: str, largest: int) -> int | None:
    """Return an option of a request, None where it is not given. Raises BadRequest."""
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise BadRequest(f"{name} must be a whole number from 1 to {largest}.")
    return value
