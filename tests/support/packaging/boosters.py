"""Small models of XGBoost, trained for any objective and number of outputs."""

from typing import Any

import numpy as np
import xgboost

FEATURES = 3
ROUNDS = 4
_CHANCE = np.random.default_rng(3)
TABLE: np.ndarray[Any, np.dtype[np.float32]] = _CHANCE.normal(size=(120, FEATURES)).astype(np.float32)
"""Rows that the models are trained with; some values are missing."""
TABLE[::9, 1] = np.nan


def train_booster(
    objective: str, *, classes: int = 0, targets: int = 1, rounds: int = ROUNDS, **parameters: Any
) -> xgboost.Booster:
    """Return a model of `classes` classes, or of `targets` values a row that are predicted together."""
    known = np.nan_to_num(TABLE)
    scores = np.stack([known[:, 0] + 2 * known[:, 1] - known[:, number % FEATURES] for number in range(targets)], 1)
    scores = scores[:, 0] if targets == 1 else scores
    kind = objective.partition(":")[0]
    if kind == "multi":
        labels: Any = np.digitize(scores, np.linspace(-1, 1, classes - 1)) if classes > 1 else np.zeros(len(TABLE))
        parameters |= {"num_class": classes}
    elif kind in ("binary", "rank") or objective == "reg:logistic":
        labels = scores > 0
    elif kind in ("count", "survival") or objective in ("reg:gamma", "reg:tweedie", "reg:squaredlogerror"):
        labels = np.round(np.exp(scores / 2)) + 1
    else:
        labels = scores
    if objective == "reg:quantileerror":
        labels = known[:, 0]
        parameters |= {"quantile_alpha": [0.5] if targets == 1 else np.linspace(0.1, 0.9, targets).tolist()}
    data = xgboost.DMatrix(TABLE, np.asarray(labels, np.float32))
    if kind == "rank":
        data.set_group([20] * (len(TABLE) // 20))
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", labels)
        data.set_float_info("label_upper_bound", labels)
    settings = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 1, "verbosity": 0, **parameters}
    return xgboost.train(settings, data, rounds)
