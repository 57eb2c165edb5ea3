"""What packaging makes of XGBoost models, with its real child processes."""

import json
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import xgboost

from model_tools.errors import CheckpointRejected, ClassesMismatch, ManifestInvalid, ParityFailed, PublishError
from model_tools.packaging.package import Package
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.trees.load_worker import draw_table, refuse_other_margins
from model_tools.packaging.trees.messages import TreesParityJob
from model_tools.packaging.trees.parity_worker import compare_trees
from model_tools.packaging.trees.prove_trees import refuse_other_answers
from tests.support.packaging.model_folders import sample, write_folder
from tests.support.packaging.packing import package_model

FIELDS = {"name": "price", "task": "tabular", "checkpoint": "trees.json", "inputs": [{"shape": ["batch", 3]}]}


def train(objective: str = "reg:squarederror", rounds: int = 6, **parameters) -> xgboost.Booster:
    generator = np.random.default_rng(3)
    rows = generator.normal(loc=500, scale=40, size=(200, 3)).astype("float32")
    target = (rows[:, 0] > 500).astype(int) + (rows[:, 1] > 520)
    if objective.startswith("binary"):
        target = target > 0
    settings = {"objective": objective, "max_depth": 3, "seed": 1, **parameters}
    return xgboost.train(settings, xgboost.DMatrix(rows, target), rounds)


def model_folder(folder: Path, booster: xgboost.Booster | None = None, files=None, **fields) -> Path:
    wanted = {**FIELDS, **fields}
    write_folder(folder, wanted, files)
    (booster or train()).save_model(folder / wanted["checkpoint"])
    return folder


def refused(kind: type[PublishError], tmp_path: Path, folder: Path) -> str:
    with pytest.raises(PublishError) as caught:
        package_model(folder, tmp_path / "package")
    assert type(caught.value) is kind
    return str(caught.value)


def unpacked(package: Package, name: str) -> bytes:
    with tarfile.open(package.archive) as tar:
        return tar.extractfile(name).read()


ROWS = [[480, 530, 500], [520, 510, 490]]
SAMPLES = {"samples/a.json": sample({"input": ROWS}), "samples/b.json": sample({"input_X": ROWS[0]})}


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> tuple[Path, Package]:
    home = tmp_path_factory.mktemp("trees")
    folder = model_folder(home / "model", files=SAMPLES, samples="samples/*.json")
    return folder, package_model(folder, home / "package")


def test_the_served_trees_answer_as_the_trained_ones(packed, tmp_path):
    folder, package = packed
    trained, served = xgboost.Booster(), xgboost.Booster()
    trained.load_model(folder / "trees.json")
    (tmp_path / "model.ubj").write_bytes(unpacked(package, "model.ubj"))
    served.load_model(tmp_path / "model.ubj")
    rows = np.random.default_rng(5).normal(500, 40, (50, 3))
    assert np.array_equal(trained.inplace_predict(rows), served.inplace_predict(rows))
    assert (package.manifest.format, package.manifest.library_version) == ("xgboost", xgboost.__version__)
    assert package.unpacked > package.size / 2


def test_every_walk_of_the_proof_depends_on_what_the_trees_ask(packed):
    _, package = packed
    parity = json.loads(unpacked(package, "parity.json"))
    assert (parity["features"], parity["trees"], parity["objective"]) == (3, 6, "reg:squarederror")
    assert {case["max_abs"] for case in parity["cases"]} == {0}
    assert [case.get("sample") for case in parity["cases"][-2:]] == ["samples/a.json", "samples/b.json"]
    assert json.loads(package.evidence.read_text())["run"]["latency_ms"] > 0


def test_samples_expect_what_the_trained_trees_answer(packed):
    folder, package = packed
    trained = xgboost.Booster()
    trained.load_model(folder / "trees.json")
    first, second = (json.loads(line) for line in package.samples.read_text().splitlines())
    answer = trained.inplace_predict(np.array(first["event"]["input"], dtype="float32"))
    assert first["expect"]["output"] == pytest.approx(answer.tolist())
    row = trained.inplace_predict(np.array([second["event"]["input_X"]], dtype="float32"))
    assert second["expect"]["answer"] == {"prediction": pytest.approx(float(row[0]))}


def test_the_same_trees_are_the_same_archive_and_the_same_model_from_either_format(packed, tmp_path):
    _, package = packed
    again = package_model(model_folder(tmp_path / "again", files=SAMPLES, samples="samples/*.json"), tmp_path / "one")
    binary = package_model(model_folder(tmp_path / "ubj", checkpoint="trees.ubj"), tmp_path / "two")
    assert again.archive.read_bytes() == package.archive.read_bytes()
    assert unpacked(binary, "model.ubj") == unpacked(package, "model.ubj")


def stopped_early(**parameters) -> xgboost.Booster:
    """Return a model whose training found the third round to be the best one, and went on until the sixth."""
    booster = train(**parameters)
    booster.set_attr(best_iteration="2", best_score="0.5")
    return booster


def trained_on() -> xgboost.Booster:
    """Return a model that stopped early once and was then trained on for 30 rounds, without being stopped."""
    rows = np.random.default_rng(4).normal(size=(300, 3))
    data = xgboost.DMatrix(rows, rows[:, 0] + np.random.default_rng(5).normal(size=300))
    other = xgboost.DMatrix(rows[::-1], rows[:, 1])
    first = xgboost.train({}, data, 50, evals=[(other, "other")], early_stopping_rounds=3, verbose_eval=False)
    return xgboost.train({}, data, 30, xgb_model=first)


def by_wrapper(booster: xgboost.Booster) -> xgboost.Booster:
    """Return the model with the mark that save_model of a scikit-learn wrapper leaves in the file."""
    booster.set_attr(scikit_learn='{"_estimator_type": "regressor"}')
    return booster


@pytest.mark.parametrize(
    ("booster", "fields", "share_of_rounds", "noted"),
    [
        pytest.param(stopped_early, {}, 1, "All 6 rounds are served, as Booster.predict", id="booster"),
        pytest.param(stopped_early, {"trees": {"rounds": "best"}}, 0.5, "", id="booster with best wanted"),
        pytest.param(lambda: by_wrapper(stopped_early()), {}, 0.5, "The first 3 of 6 rounds", id="wrapper"),
        pytest.param(
            lambda: by_wrapper(stopped_early()), {"trees": {"rounds": "all"}}, 1, "", id="wrapper with all wanted"
        ),
        pytest.param(trained_on, {}, 1, "as Booster.predict answers, although best_iteration is", id="trained on"),
        pytest.param(
            lambda: by_wrapper(stopped_early(booster="dart", rate_drop=0.5)), {}, 0.5, "first 3 of 6", id="dropout"
        ),
        pytest.param(
            lambda: by_wrapper(stopped_early(num_parallel_tree=2, subsample=0.5)), {}, 0.5, "first 3 of 6", id="forest"
        ),
    ],
)
def test_a_model_answers_as_the_object_that_saved_it(tmp_path, booster, fields, share_of_rounds, noted):
    trained = booster()
    rounds = round(trained.num_boosted_rounds() * share_of_rounds)
    package = package_model(model_folder(tmp_path / "model", trained, **fields), tmp_path / "package")
    (tmp_path / "model.ubj").write_bytes(unpacked(package, "model.ubj"))
    served = xgboost.Booster(model_file=tmp_path / "model.ubj")
    rows = np.random.default_rng(5).normal(0, 40, (50, 3))
    assert served.num_boosted_rounds() == rounds
    wanted = trained.predict(xgboost.DMatrix(rows), iteration_range=(0, rounds))
    assert served.inplace_predict(rows) == pytest.approx(wanted, rel=1e-6)
    evidence = json.loads(package.evidence.read_text())
    assert evidence["rounds"] == rounds
    assert noted in "".join(evidence["notes"])
    assert bool(noted) == bool(evidence["notes"])


def test_rounds_that_nobody_marked_cannot_be_the_best(tmp_path):
    folder = model_folder(tmp_path / "model", trees={"rounds": "best"})
    assert "trees.rounds: trees.json has no best_iteration" in refused(ManifestInvalid, tmp_path, folder)


def test_a_file_of_a_newer_version_is_refused_for_it_would_be_read_without_a_word(tmp_path):
    folder = model_folder(tmp_path / "model")
    document = json.loads((folder / "trees.json").read_text())
    document["version"] = [99, 1, 0]
    (folder / "trees.json").write_text(json.dumps(document))
    assert np.isfinite(xgboost.Booster(model_file=folder / "trees.json").inplace_predict(np.ones((1, 3)))).all()
    assert "was saved by XGBoost 99.1.0, and" in refused(CheckpointRejected, tmp_path, folder)


@pytest.mark.parametrize("names", [["a", "b", "c"], ["a b", "ä", "f<1>"]], ids=["plain names", "unusual names"])
def test_names_of_features_do_not_matter_since_requests_bring_numbers_in_the_order_of_training(tmp_path, names):
    folder = model_folder(tmp_path / "model")
    document = json.loads((folder / "trees.json").read_text())
    document["learner"] |= {"feature_names": names, "feature_types": ["float", "int", "q"]}
    (folder / "trees.json").write_text(json.dumps(document))
    package = package_model(folder, tmp_path / "package")
    (tmp_path / "model.ubj").write_bytes(unpacked(package, "model.ubj"))
    rows = np.random.default_rng(5).normal(500, 40, (50, 3))
    served = xgboost.Booster(model_file=tmp_path / "model.ubj")
    assert np.array_equal(served.inplace_predict(rows), train().inplace_predict(rows))


def test_features_near_the_ends_of_float32_are_drawn_finite():
    case = Case(seed=1, spread="usual", shapes=[[50, 1]])
    assert np.isfinite(draw_table(case, [(-4e38, 4e38)])).all()


def test_missing_values_are_among_those_that_are_proved():
    case = Case(seed=301, spread="wide", shapes=[[200, 3]])
    drawn = draw_table(case, [(0, 1)] * 3)
    assert 0 < np.isnan(drawn).mean() < 0.3
    assert set(drawn[np.isfinite(drawn)]) == {0, 1}


def test_a_way_of_predicting_that_answers_otherwise_is_refused():
    class Skewed(xgboost.Booster):
        def inplace_predict(self, *arguments, **options):
            return super().inplace_predict(*arguments, **options) + np.float32(0.01)

    case, rows = Case(seed=1, spread="usual", shapes=[[5, 3]]), np.full((5, 3), 500, dtype="float32")
    refuse_other_margins(train(), rows, case, 0)
    skewed = Skewed()
    skewed.load_model(train().save_raw("ubj"))
    with pytest.raises(ParityFailed, match=r"answers seed 1 .* otherwise by inplace_predict"):
        refuse_other_margins(skewed, rows, case, 0)


def test_a_classifier_of_trees_has_its_classes(tmp_path):
    booster = train("multi:softprob", num_class=3)
    folder = model_folder(tmp_path / "model", booster, {"classes.txt": "low\nmiddle\nhigh\n"}, classes="classes.txt")
    assert unpacked(package_model(folder, tmp_path / "package"), "classes.txt") == b"low\nmiddle\nhigh\n"


@pytest.mark.parametrize(
    ("booster", "error", "told"),
    [
        pytest.param(
            lambda: train("multi:softprob", num_class=3),
            ClassesMismatch,
            "names 2 classes, the model answers 3",
            id="another number of classes",
        ),
        pytest.param(train, ClassesMismatch, "its objective reg:squarederror answers numbers", id="no classes"),
    ],
)
def test_classes_that_the_trees_do_not_answer_are_refused(tmp_path, booster, error, told):
    folder = model_folder(tmp_path / "model", booster(), {"classes.txt": "low\nhigh\n"}, classes="classes.txt")
    assert told in refused(error, tmp_path, folder)


def test_another_number_of_features_is_refused(tmp_path):
    folder = model_folder(tmp_path / "model", inputs=[{"shape": ["batch", 4]}])
    assert "has 4 features, trees.json was trained with 3" in refused(ManifestInvalid, tmp_path, folder)


def test_a_pickle_is_not_loaded_whatever_it_is_called(tmp_path):
    folder = model_folder(tmp_path / "model")
    (folder / "trees.json").write_bytes(pickle.dumps(xgboost.Booster))
    message = refused(CheckpointRejected, tmp_path, folder)
    assert "trees.json is a pickle, so loading it could run code (it wants xgboost.core.Booster" in message


def test_trees_that_xgboost_itself_cannot_load_are_refused_in_its_words(tmp_path):
    folder = model_folder(tmp_path / "model")
    document = json.loads((folder / "trees.json").read_text())
    document["learner"]["objective"]["name"] = "reg:telepathy"
    (folder / "trees.json").write_text(json.dumps(document))
    told = "trees.json cannot be loaded (Unknown objective function: `reg:telepathy`): save it again"
    assert told in refused(CheckpointRejected, tmp_path, folder)


def test_trees_that_answer_otherwise_are_found_and_refused(tmp_path):
    train().save_model(tmp_path / "other.ubj")
    rows = np.full((2, 3), 500, dtype="float32")
    right = train().inplace_predict(rows)
    answers = {"0.in": rows, "0.out": right, "1.in": rows, "1.out": right + np.float32(1e-6), "2.in": rows}
    np.savez(tmp_path / "answers.npz", **answers, **{"2.out": right[:1]})
    found = compare_trees(TreesParityJob(model=tmp_path / "other.ubj", cases=3), tmp_path).differences
    assert found[0] == 0 < found[1] < 1e-5
    assert found[2] == -1
    case = Case(seed=101, spread="usual", shapes=[[2, 3]])
    refuse_other_answers([case], [0.0])
    for difference in (found[1], found[2], float("nan")):
        with pytest.raises(ParityFailed, match=r"answer seed 101 .* otherwise than the trained ones"):
            refuse_other_answers([case], [difference])


def test_the_children_for_trees_import_no_torch():
    code = "import sys, model_tools.packaging.trees.parity_worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
