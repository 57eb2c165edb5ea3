"""What a model is to the tasks, whatever library runs it; and how the one of an archive is loaded."""

from collections.abc import Sequence
from typing import Any, Protocol

from model_tools.serving.archive_reader import ModelFiles


class Model(Protocol):
    """A loaded model. Its inputs are a tuple with one array for each of them, in its library's kind."""

    @property
    def library(self) -> str:
        """The library and its version, such as `torch 2.13.0`."""

    @property
    def device(self) -> str:
        """Where it computes."""

    def set_threads(self, threads: int) -> None:
        """Compute with so many threads."""

    def warm_up(self) -> None:
        """Make the next call as fast as calls get."""

    def read(self, values: Sequence[object], names: Sequence[str]) -> Any:
        """Return nested lists, one for each input, as inputs. Raises BadRequest; `names` are the fields."""

    def call(self, inputs: Any) -> Any:
        """Return what the model answers. Raises ModelFailed."""

    def call_each(self, batch: Sequence[Any]) -> list[Any]:
        """Return what the model answers to each of several inputs, in order. Raises ModelFailed."""

    def to_lists(self, output: Any) -> list[object]:
        """Return an answer's arrays as nested lists. Raises ModelFailed for NaN and infinity."""


def load_model(files: ModelFiles, *, threads: int | None = None) -> Model:
    """Load an archive's model. The file is not needed any more after it. Only its own library is imported."""
    if files.manifest.format == "xgboost":
        from model_tools.serving.models.trees_model import TreesModel  # noqa: PLC0415 (needs no torch)

        return TreesModel(files.model, files.manifest, threads=threads)
    from model_tools.serving.models.torch_model import TorchModel  # noqa: PLC0415

    return TorchModel(files.model, files.manifest, threads=threads)
