"""Files that older versions of XGBoost saved, as they are: examined, loaded by ours, and asked.

Each is named by what it answers and the version that trained and saved it; answers.json holds rows, with null for a
missing value, and what `Booster.predict` of that version answered to them.
"""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from model_tools.errors import CheckpointRejected
from model_tools.packaging.limits import Limits
from model_tools.packaging.trees.load_worker import load_booster
from model_tools.packaging.trees.trees_file import examine_trees
from tests.support.packaging.boosters import TABLE, train_booster

pytestmark = pytest.mark.usefixtures("_quiet")
FOLDER = Path(__file__).parent / "old_files"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())
REFUSED = {
    "pruned-1.0.2.json": "tree 1: 4 of its nodes were pruned, and it does not say so, as XGBoost before 1.2 wrote JSON",
    "logit-1.0.2.json": "trained for binary:logitraw by XGBoost before 1.3, which took base_score for a probability",
    "logit-1.2.1.json": "trained for binary:logitraw by XGBoost before 1.3, which took base_score for a probability",
}


@pytest.fixture
def _quiet():
    """Keep XGBoost from warning that a file is old, as the workers do."""
    with xgboost.config_context(verbosity=0):
        yield


def test_every_old_file_is_either_served_or_refused_and_none_is_forgotten():
    files = {path.name for path in FOLDER.iterdir()} - {"answers.json"}
    assert files == set(ANSWERS["predictions"])
    assert set(REFUSED) < files


@pytest.mark.parametrize("name", sorted(set(ANSWERS["predictions"]) - set(REFUSED)))
def test_an_old_file_answers_as_the_version_that_saved_it(name):
    found = examine_trees(FOLDER / name, limits=Limits())
    rows = np.array(ANSWERS["rows"], dtype=np.float32)

    answer = load_booster(FOLDER / name).inplace_predict(rows)

    assert np.isnan(rows).any()
    assert answer == pytest.approx(np.array(ANSWERS["predictions"][name]), abs=1e-6)
    assert ".".join(map(str, found.version)) in name


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_old_file_that_ours_loads_not_or_answers_otherwise_is_refused_with_its_version(name):
    with pytest.raises(CheckpointRejected) as caught:
        examine_trees(FOLDER / name, limits=Limits())
    assert REFUSED[name] in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_what_is_refused_would_indeed_fail_or_be_answered_otherwise():
    rows = np.array(ANSWERS["rows"], dtype=np.float32)
    for name in REFUSED:
        if name.startswith("logit"):
            answer = xgboost.Booster(model_file=FOLDER / name).inplace_predict(rows)
            assert abs(answer - np.array(ANSWERS["predictions"][name])) == pytest.approx(0.5)
        else:
            told = r"cannot be loaded \(Check failed: .*num_deleted \(4 vs\. 0\)\): save it again"
            with pytest.raises(CheckpointRejected, match=told):
                load_booster(FOLDER / name)


def saved_before_3_2(document: dict[str, Any]) -> dict[str, Any]:
    """Return a model of multi_output_tree as XGBoost 3.1 saved it: the leaves' values stood among base_weights."""
    old = copy.deepcopy(document)
    for tree in old["learner"]["gradient_booster"]["model"]["trees"]:
        for field in ("leaf_weights", "loss_changes", "sum_hessian"):
            del tree[field]
        leaves = [left == -1 for left in tree["left_children"]]
        tree["right_children"] = [
            -1 if leaf else right for leaf, right in zip(leaves, tree["right_children"], strict=True)
        ]
    return {**old, "version": [3, 1, 1]}


def test_leaves_of_several_values_are_served_and_refused_where_ours_would_crash_over_them(tmp_path):
    booster = train_booster("reg:squarederror", targets=2, multi_strategy="multi_output_tree")
    path = tmp_path / "trees.json"
    booster.save_model(path)
    found = examine_trees(path, limits=Limits())
    assert (found.targets, found.rounds.total) == (2, booster.num_boosted_rounds())
    assert load_booster(path).inplace_predict(TABLE).shape == (len(TABLE), 2)

    path.write_text(json.dumps(saved_before_3_2(json.loads(path.read_text()))))
    with pytest.raises(CheckpointRejected, match=r"multi_output_tree and saved by XGBoost before 3\.2.*train it again"):
        examine_trees(path, limits=Limits())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda tree: tree["leaf_weights"].pop(), id="a value too few"),
        pytest.param(lambda tree: tree["tree_param"].update(size_leaf_vector="3"), id="more values than outputs"),
        pytest.param(lambda tree: tree["right_children"].__setitem__(-1, 999), id="leaf that is not there"),
        pytest.param(lambda tree: tree["right_children"].__setitem__(-1, -1), id="leaf without values"),
    ],
)
def test_leaves_of_several_values_must_be_there(tmp_path, change):
    path = tmp_path / "trees.json"
    train_booster("reg:squarederror", targets=2, multi_strategy="multi_output_tree").save_model(path)
    document = json.loads(path.read_text())
    change(document["learner"]["gradient_booster"]["model"]["trees"][0])
    path.write_text(json.dumps(document))
    told = r"tree 0: (its leaves have|a leaf has other values)|the leaves of its trees differ"
    with pytest.raises(CheckpointRejected, match=told):
        examine_trees(path, limits=Limits())


def shuffled(value: Any, generator: np.random.Generator) -> Any:
    if isinstance(value, dict):
        return {name: shuffled(value[name], generator) for name in generator.permutation(list(value))}
    return [shuffled(entry, generator) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda document: shuffled(document, np.random.default_rng(1)), id="fields in another order"),
        pytest.param(lambda document: {**document, "comment": "mine"}, id="further field"),
        pytest.param(lambda document: json.loads(json.dumps(document, indent=2)), id="indented"),
    ],
)
def test_the_same_model_written_otherwise_is_read_as_xgboost_reads_it(tmp_path, change):
    path, booster = tmp_path / "trees.json", train_booster("reg:squarederror")
    booster.save_model(path)
    path.write_text(json.dumps(change(json.loads(path.read_text())), indent=1))
    assert examine_trees(path, limits=Limits()).trees == booster.num_boosted_rounds()
    assert np.array_equal(load_booster(path).inplace_predict(TABLE), booster.inplace_predict(TABLE))
