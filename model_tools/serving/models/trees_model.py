"""Gradient-boosted trees in XGBoost's format. Neither torch nor Pillow is imported for them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from model_tools.formats.archive import ArchiveManifest
from model_tools.serving.failures import ModelFailed, telling_nothing_of_the_request
from model_tools.serving.models.numbers import NumbersReader
from model_tools.serving.requests import BadRequest

Table = np.ndarray[Any, np.dtype[np.float32]]
Inputs = tuple[Table]

MISSING = float("nan")
"""The number that XGBoost takes for a value that is not known; in a request it is null."""


class TreesModel:
    """A booster as its archive has it. It holds no more than its file, and is fast from the first call on."""

    device = "cpu"

    def __init__(self, path: Path, manifest: ArchiveManifest, *, threads: int | None = None) -> None:
        xgboost.set_config(verbosity=0)  # its warnings would go to the log
        if threads is not None:
            self.set_threads(threads)
        self._booster = xgboost.Booster(model_file=str(path))
        self._reader = NumbersReader(manifest.inputs[0], manifest.axes, missing=MISSING)
        self._features = manifest.inputs[0].shape[1]
        self.library = f"xgboost {xgboost.__version__}"
        self.objective = str(json.loads(self._booster.save_config())["learner"]["objective"]["name"])

    @staticmethod
    def set_threads(threads: int) -> None:
        """Compute with so many threads: loading does as well, so a parameter of the booster would come too late."""
        xgboost.set_config(nthread=threads)

    def warm_up(self) -> None:
        """Ask for one row, so that what is set up at the first call is."""
        self.call((np.zeros((1, int(self._features)), np.float32),))

    def read(self, values: Sequence[object], names: Sequence[str]) -> Inputs:
        """Return the table. Raises BadRequest naming the field that does not fit."""
        if len(values) != 1:
            raise BadRequest("the model takes 1 input(s): give as many in inputs.")
        packed = self._reader.read(values[0], names[0])
        table = np.frombuffer(packed.data, np.float32).reshape(packed.shape)
        if np.isinf(table).any() or (np.isnan(table).any() and _has_nan(values[0])):
            raise BadRequest(f"{names[0]} holds a number that is no finite float32; write null for a missing value.")
        return (table,)

    def call(self, inputs: Inputs) -> Table:
        """Return what the trees answer: [rows], or [rows, classes]. Raises ModelFailed."""
        with telling_nothing_of_the_request("the model"):
            answer: Table = self._booster.inplace_predict(inputs[0])
        return answer

    def call_each(self, batch: Sequence[Inputs]) -> list[Table]:
        """Return the answer to each of several tables, asked together: rows do not know of each other."""
        if len(batch) == 1:
            return [self.call(batch[0])]
        ends = np.cumsum([len(table) for (table,) in batch])[:-1]
        return np.split(self.call((np.concatenate([table for (table,) in batch]),)), ends)

    def to_lists(self, output: Table) -> list[object]:
        """Return the answer as nested lists. Raises ModelFailed for NaN and infinity."""
        if not np.isfinite(output).all():
            raise ModelFailed("the model answered NaN or infinity")
        return [output.tolist()]


def _has_nan(value: object) -> bool:
    """Tell whether a table has a number that is none; null has become one as well."""
    rows = value if isinstance(value, list) else []
    return any(number != number for row in rows for number in row)  # noqa: PLR0124 (NaN alone is not itself)
