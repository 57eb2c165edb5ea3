"""Examines an XGBoost model file, `.json` or `.ubj`, before it is loaded, with nothing executed.

XGBoost walks the trees by the numbers in the file and does not check them. So they are checked here: each node has one
parent at most, features exist, and leaves are finite.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.checkpoint_file import file_sha256
from model_tools.packaging.checkpoint.pickle_names import names_in_pickles
from model_tools.packaging.limits import Limits
from model_tools.packaging.trees.nodes import Span, TreesDamaged, check_tree, spans_of
from model_tools.packaging.trees.ubjson import DamagedUbjson, parse_ubjson

SAVE = "save it with booster.save_model('model.json')"
FOREIGN_HEADS = {
    b"\x80": "a pickle, so loading it could run code",
    b"\x78": "compressed, as joblib writes pickles, so loading it could run code",
    b"\x1f\x8b": "compressed by gzip",
    b"PK\x03\x04": "a zip, as torch.save writes",
    b"binf": "in XGBoost's old binary format",
    b"bs64": "in XGBoost's old binary format",
    b"version https:/": "a Git LFS pointer, not the file itself",
}
"""Descriptions of files of other formats, by their first bytes."""
MAX_FEATURES = 1_000_000
"""The largest number of features."""


@dataclass(frozen=True)
class TreesFile:
    """An XGBoost model file that may be loaded."""

    path: Path
    sha256: str
    size: int
    """The size of the file in bytes."""
    objective: str
    features: int
    """The number of features."""
    outputs: int
    """The number of classes of a `multi:` objective, else that of targets."""
    trees: int
    """The number of trees."""
    spans: list[Span]
    """The lowest and the highest value that the trees compare each feature with; None for a feature that none uses."""
    best_iteration: int | None
    """The best round, the last one that counts, if training stopped early; None otherwise."""


def examine_trees(path: Path, *, limits: Limits) -> TreesFile:
    """Read a model file and check all that XGBoost would rely on. Raises CheckpointRejected."""
    size = path.stat().st_size
    if size > limits.trees_bytes:
        raise CheckpointRejected(
            f"{path.name} has {size:,} bytes, {limits.trees_bytes:,} is the limit for trees: train fewer or shallower "
            "ones."
        )
    document = _parse(path, path.read_bytes())
    try:
        return _examined(path, size, document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        reason = str(error) if isinstance(error, TreesDamaged) else f"{type(error).__name__}: {error}"
        raise CheckpointRejected(f"{path.name} is damaged or no XGBoost model ({reason[:300]}): {SAVE}.") from error


def _examined(path: Path, size: int, document: Mapping[str, Any]) -> TreesFile:
    learner = document["learner"]
    parameters = learner["learner_model_param"]
    features, classes = int(parameters["num_feature"]), int(parameters["num_class"])
    if not 0 < features <= MAX_FEATURES:
        raise TreesDamaged(f"it has {features:,} features")
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        raise CheckpointRejected(f"{path.name} is a linear model (gblinear), no trees: train it with booster: gbtree.")
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    trees = model["trees"]
    if not trees:
        raise TreesDamaged("it has no trees")
    if any(kind == "c" for kind in learner.get("feature_types", ())) or any(any(tree["split_type"]) for tree in trees):
        raise CheckpointRejected(
            f"{path.name} was trained with categorical features, which requests of numbers cannot bring: encode them "
            "as numbers before training (one-hot or ordinal)."
        )
    outputs = max(classes, int(parameters.get("num_target", 1)), 1)
    groups, drops = model["tree_info"], booster.get("weight_drop", trees)
    if len(groups) != len(trees) or len(drops) != len(trees) or not all(group in range(outputs) for group in groups):
        raise TreesDamaged("it does not say to which output each tree belongs")
    for number, tree in enumerate(trees):
        check_tree(tree, number, features=features)
    best = learner.get("attributes", {}).get("best_iteration")
    return TreesFile(
        path=path, sha256=file_sha256(path), size=size, objective=str(learner["objective"]["name"]), features=features,
        outputs=outputs, trees=len(trees),
        spans=spans_of(trees, features), best_iteration=None if best is None else _round(best),
    )  # fmt: skip


def _round(text: str) -> int:
    best = int(text)
    if best < 0:
        raise TreesDamaged(f"its best iteration is {best}")
    return best


def _parse(path: Path, data: bytes) -> Mapping[str, Any]:
    for head, what in FOREIGN_HEADS.items():
        if data.startswith(head):
            raise CheckpointRejected(f"{path.name} is {what}{_wanted_names(path, head)}: {SAVE}.")
    binary = path.suffix == ".ubj"
    try:
        document = parse_ubjson(data) if binary else json.loads(data, object_pairs_hook=_refuse_repeated_fields)
    except (DamagedUbjson, ValueError, RecursionError) as error:
        other = (
            " (its contents may be those of the other format, .ubj or .json: then rename it)"
            if data.startswith(b"{")
            else ""
        )
        raise CheckpointRejected(
            f"{path.name} is no {'UBJSON' if binary else 'JSON'} ({str(error)[:200] or type(error).__name__}){other}: "
            f"{SAVE}, or copy it again."
        ) from error
    if not isinstance(document, dict):
        raise CheckpointRejected(f"{path.name} holds no XGBoost model: {SAVE}.")
    return document


def _wanted_names(path: Path, head: bytes) -> str:
    if head != b"\x80":
        return ""
    with path.open("rb") as file:
        names = names_in_pickles(file)[:5]
    return f" (it wants {', '.join(names)})" if names else ""


def _refuse_repeated_fields(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        # Readers of JSON differ in which of the two values they take.
        raise ValueError(f"the field {next(_repeated(pairs))!r} stands in an object twice")
    return fields


def _repeated(pairs: Sequence[tuple[str, Any]]) -> Iterator[str]:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            yield name[:80]
        seen.add(name)
