"""Serves task `tabular`: `{"input_X": a row or rows}` → `{"message", "prediction"}`.

`{"input"}` → `{"output"}` works as for task `tensor`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from model_tools.formats.requests import NUMBER_FIELDS
from model_tools.formats.sections import Scores
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.failures import ModelFailed
from model_tools.serving.models.model import Model
from model_tools.serving.requests import BadRequest, require_only
from model_tools.serving.task import Fetch
from model_tools.tasks.confidences import confidences_of
from model_tools.tasks.tabular.objectives import CLASSIFIERS
from model_tools.tasks.tabular.spec import TABLE_AXES, TABLE_FIELD, is_row, predictions_of
from model_tools.tasks.tensor.serve import read_inputs, respond_with_outputs

FIELDS = (TABLE_FIELD, *NUMBER_FIELDS)
MESSAGE = "Successful prediction"


class Tabular:
    """Answers each row of features with a prediction, by a torch model or by trees."""

    def __init__(self, files: ModelFiles, model: Model, fetch: Fetch) -> None:  # noqa: ARG002 (all tasks have these parameters)
        self._classes = files.classes
        self._model = model
        self._is_table = len(files.manifest.inputs[0].shape) == TABLE_AXES
        self._choose: Callable[[Any], tuple[int, float | None]] = _chooser(
            getattr(model, "objective", ""), files.manifest.scores
        )
        self.set_threads = model.set_threads
        self.warm_up = model.warm_up

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return the table as the model's input. Raises BadRequest."""
        require_only(request, FIELDS)
        if TABLE_FIELD not in request:
            return read_inputs(request, self._model)
        if len(request) != 1:
            raise BadRequest("give one of input_X, input and inputs.")
        table = request[TABLE_FIELD]
        return self._model.read(([table] if self._is_table and is_row(table) else table,), FIELDS[:1])

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        """Return the model's outputs, with a row for each row of the input."""
        return self._model.call_each(batch)

    def respond(self, output: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the prediction of a single row, or the list of several rows' predictions.

        A model with classes answers the class as well, and its probability where the model gives one. Raises
        ModelFailed for outputs that are not one for each row.
        """
        if TABLE_FIELD not in request:
            return respond_with_outputs(output, self._model, request)
        outputs = self._model.to_lists(output)
        predictions = outputs[0]
        if len(outputs) != 1 or not isinstance(predictions, list) or not predictions:
            raise ModelFailed("the model did not answer one row for each row of the table")
        predictions = predictions_of(predictions)
        table = request[TABLE_FIELD]
        single = is_row(table) if self._is_table else self._model.lacks_batch((table,))
        answer = {"message": MESSAGE, "prediction": predictions[0] if single else predictions}
        if self._classes:
            chosen = [self._named(row) for row in predictions]
            for field in chosen[0]:
                answer[field] = chosen[0][field] if single else [each[field] for each in chosen]
        return {**answer, "library": self._model.library, "device": self._model.device}

    def _named(self, prediction: Any) -> dict[str, Any]:
        index, confidence = self._choose(prediction)
        if not 0 <= index < len(self._classes):
            raise ModelFailed(f"the model chose a class beyond its {len(self._classes)}")
        named = {"class": self._classes[index]}
        return named if confidence is None else {**named, "confidence": confidence}


def _chooser(objective: str, scores: Scores | None) -> Callable[[Any], tuple[int, float | None]]:
    """Return a function from a row's prediction to the class's index and its probability, None where there is none.

    `objective` is the XGBoost objective, which fixes the meaning of a prediction; it is empty for a torch model, whose
    predictions mean `scores`.
    """
    if objective in CLASSIFIERS:
        return CLASSIFIERS[objective].choose
    return lambda prediction: _likeliest(
        confidences_of(prediction if isinstance(prediction, list) else [prediction], scores)
    )


def _likeliest(probabilities: Sequence[float]) -> tuple[int, float]:
    index = max(range(len(probabilities)), key=probabilities.__getitem__)
    return index, probabilities[index]
