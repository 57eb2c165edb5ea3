"""The spec of task `tabular`, a prediction for each row, by PyTorch or XGBoost: `{"input_X"}` → `{"prediction"}`."""

from collections.abc import Mapping
from typing import Any, Literal

from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import NUMBER_FIELDS
from model_tools.formats.sections import Section
from model_tools.tasks.answers import AnsweredCase, check_width, require_tensor
from model_tools.tasks.requests.form import EventInputs
from model_tools.tasks.requests.numbers import NumberRequests
from model_tools.tasks.spec import TaskSpec

TABLE_FIELD = "input_X"
"""The request field with a row of features, or a list of rows."""
BINARY_CLASSES = 2
"""Classes of a model that answers one number a row: the logit, or the probability, of the second of two."""


class Trees(Section):
    """The section `trees` of publish.yaml, for a model of XGBoost."""

    rounds: Literal["all", "best"] | None = None
    """The rounds that are served: all of them, or those up to the best one, where training could stop early.

    Without it, they are those by which the object answers that saved the file.
    """


def is_row(table: object) -> bool:
    """Tell whether the value of `input_X` is a single row."""
    return isinstance(table, list) and bool(table) and not isinstance(table[0], list)


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
        return EventInputs([[table] if is_row(table) else table], is_plain=False)


def check_answer(answered: AnsweredCase) -> None:
    """Accept [batch] or [batch, outputs]; the outputs of a classifier must be as many as its classes."""
    shape, rows = answered.first.shape, answered.input_shapes[0][0]
    form = "[batch] or [batch, outputs]"
    fits = len(shape) in (1, 2) and shape[0] == rows
    require_tensor(answered, "A tabular model", form, fits=fits, integers=True)
    if answered.classes is not None:
        require_tensor(answered, "A tabular classifier", form, fits=True)
        width = shape[1] if len(shape) == 2 and shape[1] > 1 else BINARY_CLASSES  # noqa: PLR2004 (the number of axes)
        check_width(answered.classes, width, where=answered.classes_file)


SPEC = TaskSpec(
    name="tabular",
    summary="rows of features to a prediction for each",
    serve="model_tools.tasks.tabular.serve:Tabular",
    sections=frozenset({"classes"}),
    settings_name="trees",
    settings=Trees,
    libraries=frozenset({"torch", "xgboost"}),
    request_form=lambda _: TableRequests(),
    expectations=frozenset({"class", "output"}),
    answers_outputs=True,
    check_answer=check_answer,
)
