"""Makes the folders of the models that use XGBoost. It runs as a module with the name of a folder."""

import sys
from pathlib import Path

import numpy as np
import xgboost

from model_tools.bundling.exercises.catalogue import ExerciseModel
from model_tools.bundling.exercises.folders import make_folders


def save_trees(_model: ExerciseModel, path: Path) -> None:
    """Train a few small trees and save them in the format of the suffix."""
    rows = np.arange(80, dtype=np.float32).reshape(20, 4) % 7
    data = xgboost.DMatrix(rows, label=rows.sum(axis=1))
    xgboost.train({"max_depth": 2, "nthread": 1}, data, num_boost_round=3).save_model(path)


if __name__ == "__main__":
    make_folders("xgboost", Path(sys.argv[1]), save_trees)
