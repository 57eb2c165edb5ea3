"""Serves task `tensor`: `{"input": nested lists}` → `{"output"}`, and `{"inputs"}` → `{"outputs"}` for several."""

from collections.abc import Mapping, Sequence
from typing import Any

from model_tools.formats.requests import NUMBER_FIELDS
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.models.model import Model
from model_tools.serving.requests import BadRequest, require_only
from model_tools.serving.task import Fetch


class TensorTask:
    """Answers numbers with the model's outputs as they are."""

    def __init__(self, files: ModelFiles, model: Model, fetch: Fetch) -> None:  # noqa: ARG002 (all tasks have these parameters)
        self._model = model
        self.set_threads = model.set_threads
        self.warm_up = model.warm_up

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return one array for each of the model's inputs."""
        require_only(request, NUMBER_FIELDS)
        return read_inputs(request, self._model)

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        """Return the model's outputs."""
        return self._model.call_each(batch)

    def respond(self, output: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the model's outputs as nested lists, and the library and device that computed them."""
        return respond_with_outputs(output, self._model, request)


def read_inputs(request: Mapping[str, Any], model: Model) -> Any:
    """Return the model's inputs from a request's `input` or `inputs`. Raises BadRequest."""
    values = given_values(request)
    if values is None or ("input" in request and "inputs" in request):
        raise BadRequest("give one of input (nested lists) and inputs (a list with one for each input).")
    if "input" in request:
        return model.read(values, NUMBER_FIELDS[:1])
    return model.read(values, [f"inputs[{index}]" for index in range(len(values))])


def given_values(request: Mapping[str, Any]) -> Sequence[object] | None:
    """Return the nested lists of a request, one for each input; None for a request that brings none."""
    if "input" in request:
        return (request["input"],)
    values = request.get("inputs")
    return values if isinstance(values, list) else None


def respond_with_outputs(output: Any, model: Model, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an answer that holds a model's outputs; to a single row they have no batch axis."""
    outputs = model.to_lists(output, single=model.lacks_batch(given_values(request) or ()))
    fields: dict[str, Any] = {"output": outputs[0]} if len(outputs) == 1 else {"outputs": outputs}
    return {**fields, "library": model.library, "device": model.device}
