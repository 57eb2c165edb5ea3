"""The interface of a loaded model, which is the same for all libraries, and the function that loads an archive's."""

from collections.abc import Sequence
from typing import Any, Protocol

from model_tools.serving.archive_reader import ModelFiles


class Model(Protocol):
    """A loaded model. Its inputs are a tuple with one array of its library for each input."""

    @property
    def library(self) -> str:
        """The library and its version, such as `torch 2.13.0`."""

    @property
    def device(self) -> str:
        """The device that the model computes on, such as `cpu`."""

    def set_threads(self, threads: int) -> None:
        """Compute with this number of threads from now on."""

    def warm_up(self) -> None:
        """Call the model until the next call is as fast as calls get."""

    def lacks_batch(self, values: Sequence[object]) -> bool:
        """Tell whether the values, one for each input, bring a single row without the batch axis.

        Raises BadRequest where some of them have that axis, or where the answer for a single row is not known.
        """

    def read(self, values: Sequence[object], names: Sequence[str]) -> Any:
        """Return the model's inputs from nested lists, one for each input; a single row gets the batch axis.

        Raises BadRequest, whose message names the input by its entry in `names`.
        """

    def call(self, inputs: Any) -> Any:
        """Return the model's output. Raises ModelFailed."""

    def call_each(self, batch: Sequence[Any]) -> list[Any]:
        """Return the model's output for each of several inputs, in order. Raises ModelFailed."""

    def to_lists(self, output: Any, *, single: bool = False) -> list[object]:
        """Return the arrays of an output as nested lists, those of a `single` row without their batch axis.

        Raises ModelFailed for NaN and infinity.
        """


def load_model(files: ModelFiles, *, threads: int | None = None) -> Model:
    """Return an archive's model, loaded; its file is not needed any more. Only the model's own library is imported."""
    if files.manifest.format == "xgboost":
        from model_tools.serving.models.trees_model import TreesModel  # noqa: PLC0415 (needs no torch)

        return TreesModel(files.model, files.manifest, threads=threads)
    from model_tools.serving.models.torch_model import TorchModel  # noqa: PLC0415

    return TorchModel(files.model, files.manifest, threads=threads)
