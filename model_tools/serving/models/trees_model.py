"""Runs gradient-boosted trees in XGBoost's format, without importing torch or Pillow."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from model_tools.formats.archive import ArchiveManifest
from model_tools.serving.failures import ModelFailed, redacted_errors
from model_tools.serving.models.numbers import NumbersReader
from model_tools.serving.models.single_rows import SingleRows
from model_tools.serving.requests import BadRequest

Table = np.ndarray[Any, np.dtype[np.float32]]
Inputs = tuple[Table]

MISSING = float("nan")
"""The number that means a missing value to XGBoost; a request writes null."""


class TreesModel:
    """The booster of an archive, loaded. It takes no more memory than its file and is fast from the first call on."""

    device = "cpu"

    def __init__(self, path: Path, manifest: ArchiveManifest, *, threads: int | None = None) -> None:
        xgboost.set_config(verbosity=0)  # XGBoost's warnings would go to the log
        if threads is not None:
            self.set_threads(threads)
        self._booster = xgboost.Booster(model_file=str(path))
        self._reader = NumbersReader(manifest.inputs[0], manifest.axes, missing=MISSING)
        self._rows = SingleRows(manifest)
        self._features = manifest.inputs[0].shape[1]
        self.library = f"xgboost {xgboost.__version__}"
        self.objective = str(json.loads(self._booster.save_config())["learner"]["objective"]["name"])

    @staticmethod
    def set_threads(threads: int) -> None:
        """Compute with this number of threads from now on.

        The setting is XGBoost's global one, since a booster's own parameter would come too late for loading.
        """
        xgboost.set_config(nthread=threads)

    def warm_up(self) -> None:
        """Predict one row, because XGBoost sets itself up at the first call."""
        self.call((np.zeros((1, int(self._features)), np.float32),))

    def lacks_batch(self, values: Sequence[object]) -> bool:
        """Tell whether the values bring a single row without the batch axis. Raises BadRequest."""
        return self._rows.are_given(values)

    def read(self, values: Sequence[object], names: Sequence[str]) -> Inputs:
        """Return the table of a request; a single row becomes a table of one. Raises BadRequest."""
        if len(values) != 1:
            raise BadRequest("the model takes 1 input(s): give as many in inputs.")
        single = self.lacks_batch(values)
        packed = self._reader.read(values[0], names[0], added=self._rows.added_places(single=single)[0])
        table = np.frombuffer(packed.data, np.float32).reshape(packed.shape)
        if np.isinf(table).any() or (np.isnan(table).any() and _has_nan([values[0]] if single else values[0])):
            raise BadRequest(f"{names[0]} holds a number that is no finite float32; write null for a missing value.")
        return (table,)

    def call(self, inputs: Inputs) -> Table:
        """Return the trees' predictions, [rows] or [rows, classes]. Raises ModelFailed."""
        with redacted_errors("the model"):
            answer: Table = self._booster.inplace_predict(inputs[0])
        return answer

    def call_each(self, batch: Sequence[Inputs]) -> list[Table]:
        """Return the predictions for each of several tables, made in one call: trees treat each row by itself."""
        if len(batch) == 1:
            return [self.call(batch[0])]
        ends = np.cumsum([len(table) for (table,) in batch])[:-1]
        return np.split(self.call((np.concatenate([table for (table,) in batch]),)), ends)

    def to_lists(self, output: Table, *, single: bool = False) -> list[object]:
        """Return the predictions as nested lists, that of a `single` row by itself.

        Raises ModelFailed for NaN and infinity.
        """
        if not np.isfinite(output).all():
            raise ModelFailed("the model answered NaN or infinity")
        return [output[0].tolist() if single else output.tolist()]


def _has_nan(value: object) -> bool:
    """Tell whether a request's table holds NaN itself, which is refused; null has become NaN only after packing."""
    rows = value if isinstance(value, list) else []
    return any(number != number for row in rows for number in row)  # noqa: PLR0124 (NaN alone is not itself)
