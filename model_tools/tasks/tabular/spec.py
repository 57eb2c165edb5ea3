"""The spec of task `tabular`, a prediction for each row, by PyTorch or XGBoost: `{"input_X"}` → `{"prediction"}`."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Literal

from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import NUMBER_FIELDS
from model_tools.formats.sections import Section
from model_tools.tasks.answers import AnsweredCase, check_names, require_tensor
from model_tools.tasks.requests.form import EventInputs
from model_tools.tasks.requests.numbers import USUAL_ROWS, NumberRequests, made_up_numbers
from model_tools.tasks.spec import TaskSpec

TABLE_AXES = 2
"""The axes of a table: rows and features. A model of more axes takes a table of several readings for each row."""
TABLE_FIELD = "input_X"
"""The request field with a row of features, or a list of rows."""


class Trees(Section):
    """The section `trees` of publish.yaml, for a model of XGBoost."""

    rounds: Literal["all", "best"] | None = None
    """The rounds that are served: all of them, or those up to the best one, where training could stop early.

    Without it, they are those by which the object answers that saved the file.
    """


def is_row(table: object) -> bool:
    """Tell whether the value of `input_X` is a single row."""
    return isinstance(table, list) and bool(table) and not isinstance(table[0], list)


def predictions_of(output: list[Any]) -> list[Any]:
    """Return the prediction for each row of a model's output, a number where the row has only one."""
    return [row[0] if isinstance(row, list) and len(row) == 1 else row for row in output]


class TableRequests(NumberRequests):
    """Requests with a table in `input_X`, answered with predictions, or with numbers, answered with the outputs."""

    def fields(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the fields that bring a table."""
        return super().fields(manifest) if len(manifest.inputs) > 1 else (TABLE_FIELD, *NUMBER_FIELDS)

    def problem(self, manifest: Manifest) -> str | None:
        """Return why the section `trees` does not fit the model; None when it fits."""
        if manifest.library != "xgboost" and Trees.model_validate(manifest.settings).rounds is not None:
            return "trees: rounds is for XGBoost models: remove it"
        return super().problem(manifest)

    def inputs(self, event: Mapping[str, Any], manifest: Manifest) -> EventInputs | None:
        """Return the table of an event as the only input; a single row becomes a table of one row."""
        if TABLE_FIELD not in event:
            return super().inputs(event, manifest)
        table = event[TABLE_FIELD]
        return EventInputs(
            [[table] if len(manifest.inputs[0].shape) == TABLE_AXES and is_row(table) else table], is_plain=False
        )

    def expected(self, event: Mapping[str, Any], output: list[Any]) -> dict[str, Any] | None:
        """Return the prediction for the table of an event."""
        if TABLE_FIELD not in event:
            return None
        predictions = predictions_of(output)
        return {"prediction": predictions[0] if is_row(event[TABLE_FIELD]) else predictions}

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, dict[str, object]]:
        """Return events with one row and with several in `input_X`, then those with `input` and `inputs`."""
        events = super().made_up(manifest, vocabulary, chance)
        if len(manifest.inputs) > 1:
            return events
        (rows,) = made_up_numbers(manifest, chance, rows=USUAL_ROWS)
        tables: dict[str, dict[str, object]] = {f"{TABLE_FIELD}, several rows": {TABLE_FIELD: rows}}
        if len(manifest.inputs[0].shape) == TABLE_AXES and isinstance(rows, list):
            tables = {TABLE_FIELD: {TABLE_FIELD: rows[0]}, **tables}
        return {**tables, **events}


def check_answer(answered: AnsweredCase) -> None:
    """Accept [batch] or [batch, outputs]; the outputs of a classifier must be as many as its classes."""
    shape, rows = answered.first.shape, answered.input_shapes[0][0]
    form = "[batch] or [batch, outputs]"
    fits = len(shape) in (1, 2) and shape[0] == rows
    require_tensor(answered, "A tabular model", form, fits=fits, integers=True)
    if answered.classes is not None:
        require_tensor(answered, "A tabular classifier", form, fits=True)
        width = shape[1] if len(shape) > 1 else 1
        check_names(
            answered.classes, width, where=answered.classes_file, or_else="; or remove classes to get the number"
        )


SPEC = TaskSpec(
    name="tabular",
    summary="rows of features to a prediction for each",
    serve="model_tools.tasks.tabular.serve:Tabular",
    sections=frozenset({"classes"}),
    settings_name="trees",
    settings=Trees,
    libraries=frozenset({"torch", "xgboost"}),
    ranks=lambda manifest: manifest.classes is not None and manifest.library == "torch",
    instead_of_ranking="Remove classes: the prediction is then the list of all the values.",
    request_form=lambda _: TableRequests(),
    expectations=frozenset({"class", "output"}),
    answers_outputs=True,
    check_answer=check_answer,
)
