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
from model_tools.packaging.trees.foreign_files import SAVE, foreign_document, foreign_format
from model_tools.packaging.trees.nodes import Span, UnusableTrees, check_tree, spans_of, values_of_a_leaf
from model_tools.packaging.trees.rounds import Rounds, rounds_of
from model_tools.packaging.trees.ubjson import DamagedUbjson, parse_ubjson
from model_tools.packaging.trees.wrapper import note_on_missing, wrapper_parameters

MAX_FEATURES = 1_000_000
"""The largest number of features."""
LOGITRAW_CHANGED = (1, 3)
"""The first version of XGBoost that reads the base_score of binary:logitraw as a logit and not as a probability."""


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
    classes: int
    """The number of classes of a `multi:` objective, else 0."""
    targets: int
    """The number of values that are predicted together; 1 for a `multi:` objective."""
    version: tuple[int, ...]
    """The version of XGBoost that saved the file; empty if it does not say."""
    trees: int
    """The number of trees."""
    spans: list[Span]
    """The lowest and the highest value that the trees compare each feature with; None for a feature that none uses."""
    rounds: Rounds
    notes: list[str]
    """Sentences for the evidence about what the file says of its training."""


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
    except UnusableTrees as error:
        raise CheckpointRejected(f"{path.name}: {error}: {error.remedy}.") from error
    except KeyError as error:
        raise CheckpointRejected(
            f"{path.name} has no field {error}, which XGBoost writes, so it is no XGBoost model or not all of it: "
            f"{SAVE}."
        ) from error
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise CheckpointRejected(
            f"{path.name} has a field of another type than XGBoost writes, so it is no XGBoost model or was changed: "
            f"{SAVE}."
        ) from error


def _examined(path: Path, size: int, document: Mapping[str, Any]) -> TreesFile:
    learner = document["learner"]
    parameters = learner["learner_model_param"]
    features, classes = int(parameters["num_feature"]), int(parameters["num_class"])
    targets = max(int(parameters.get("num_target", 1)), 1)
    if not 0 < features <= MAX_FEATURES:
        raise UnusableTrees(f"it has {features:,} features")
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        raise CheckpointRejected(f"{path.name} is a linear model (gblinear), no trees: train it with booster: gbtree.")
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    trees, outputs = model["trees"], max(classes, targets)
    if not trees:
        raise UnusableTrees("it has no trees", "train it for one round or more")
    _refuse_categories(path, learner, trees)
    groups, drops = model["tree_info"], booster.get("weight_drop", trees)
    if len(groups) != len(trees) or len(drops) != len(trees) or not all(group in range(outputs) for group in groups):
        raise UnusableTrees("it does not say to which output each tree belongs")
    if len({values_of_a_leaf(tree) for tree in trees}) > 1:
        raise UnusableTrees("the leaves of its trees differ in the number of values")
    for number, tree in enumerate(trees):
        check_tree(tree, number, features=features, outputs=outputs)
    objective, version = str(learner["objective"]["name"]), tuple(int(part) for part in document.get("version", ()))
    if objective == "binary:logitraw" and version < LOGITRAW_CHANGED:
        raise UnusableTrees(
            "it was trained for binary:logitraw by XGBoost before 1.3, which took base_score for a probability; newer "
            "versions take it for a logit, so they answer otherwise than the trained model",
            "train it again with XGBoost 1.3 or newer",
        )
    return TreesFile(
        path=path, sha256=file_sha256(path), size=size, objective=objective, features=features, classes=classes,
        targets=targets, version=version, trees=len(trees), spans=spans_of(trees, features),
        rounds=rounds_of(document, groups=1 if values_of_a_leaf(trees[0]) > 1 else max(outputs, 1)),
        notes=list(filter(None, [note_on_missing(wrapper_parameters(learner.get("attributes", {})))])),
    )  # fmt: skip


def _refuse_categories(path: Path, learner: Mapping[str, Any], trees: Sequence[Mapping[str, Any]]) -> None:
    # XGBoost before 1.3 wrote no split_type, since it knew numbers only.
    if any(kind == "c" for kind in learner.get("feature_types", ())) or any(
        any(tree.get("split_type", ())) for tree in trees
    ):
        raise CheckpointRejected(
            f"{path.name} was trained with categorical features, which requests of numbers cannot bring: encode them "
            "as numbers before training (one-hot or ordinal)."
        )


def _parse(path: Path, data: bytes) -> Mapping[str, Any]:
    foreign = foreign_format(data, _pickled_names(path))
    if foreign:
        raise CheckpointRejected(f"{path.name} {foreign[0]}: {foreign[1]}.")
    binary = path.suffix == ".ubj"
    try:
        document = parse_ubjson(data) if binary else json.loads(data, object_pairs_hook=_refuse_repeated_fields)
    except (DamagedUbjson, ValueError, RecursionError) as error:
        _refuse_other_ending(path, data, binary=binary)
        raise CheckpointRejected(
            f"{path.name} is no {'UBJSON' if binary else 'JSON'} ({str(error)[:200] or type(error).__name__}): {SAVE}, "
            "or copy it again."
        ) from error
    foreign = foreign_document(document)
    if foreign:
        raise CheckpointRejected(f"{path.name} {foreign[0]}: {foreign[1]}.")
    fields: Mapping[str, Any] = document
    return fields


def _refuse_other_ending(path: Path, data: bytes, *, binary: bool) -> None:
    """Raise CheckpointRejected if a file that cannot be read holds the other of XGBoost's two formats."""
    text = data.lstrip()[1:].lstrip().startswith(b'"')
    if data.lstrip().startswith(b"{") and text == binary:
        right, name = (".json", "JSON") if binary else (".ubj", "UBJSON")
        raise CheckpointRejected(
            f"{path.name} holds {name}, and XGBoost goes by the ending of the name: rename it to {path.stem}{right}, "
            "and correct checkpoint in publish.yaml."
        )


def _pickled_names(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        yield from names_in_pickles(file)


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
