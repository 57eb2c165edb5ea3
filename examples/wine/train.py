"""Train boosted trees that tell a wine's grower by a chemical analysis, and write a folder that can be published.

python examples/wine/train.py                          # makes this folder's checkpoint again
python examples/wine/train.py --output build/wine      # leaves this folder as it is
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import xgboost

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "classes.txt")
CLASSES = (HERE / "classes.txt").read_text().split()
HELD_OUT = 54


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--rounds", type=int, default=40, help="trees for each class (default 40)")
    parser.add_argument("--seed", type=int, default=0, help="for the split and the trees (default 0)")
    options = parser.parse_args()

    table = np.loadtxt(HERE / "wine.csv", delimiter=",", skiprows=1)
    table = np.random.default_rng(options.seed).permutation(table)
    features, growers = table[:, :-1], table[:, -1].astype(int)
    booster = xgboost.train(
        {
            "objective": "multi:softprob", "num_class": len(CLASSES), "max_depth": 3, "eta": 0.2, "subsample": 0.8,
            "colsample_bytree": 0.6, "seed": options.seed, "nthread": 1,
        },
        xgboost.DMatrix(features[HELD_OUT:], growers[HELD_OUT:]),
        num_boost_round=options.rounds,
    )  # fmt: skip
    held_out, wanted = features[:HELD_OUT], growers[:HELD_OUT]
    probabilities = booster.inplace_predict(held_out)
    print(f"accuracy on {HELD_OUT} held-out wines: {(probabilities.argmax(1) == wanted).mean():.1%}")
    write_folder(options.output, booster, most_certain(held_out, wanted, probabilities))
    print(f"wrote {options.output}: model-tools publish {options.output}")


def most_certain(features: np.ndarray, growers: np.ndarray, probabilities: np.ndarray) -> dict[str, list[float]]:
    """Return, for each class, the wine that the trees are surest of: one that any sound model knows."""
    return {
        name: features[growers == grower][probabilities[growers == grower, grower].argmax()].tolist()
        for grower, name in enumerate(CLASSES)
    }


def write_folder(folder: Path, booster: xgboost.Booster, samples: dict[str, list[float]]) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    booster.save_model(folder / "checkpoint.ubj")
    for name, features in samples.items():
        sample = {"event": {"input_X": features}, "expect": {"class": name}}
        (folder / "samples" / f"{name}.json").write_text(json.dumps(sample) + "\n")


if __name__ == "__main__":
    main()
