"""The rounds that are served, by the marks that training left in the file and by the manifest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import CheckpointRejected, ManifestInvalid
from model_tools.packaging.limits import Limits
from model_tools.packaging.trees.rounds import Rounds, choose_rounds
from model_tools.packaging.trees.trees_file import examine_trees
from tests.support.packaging.boosters import train_booster


def rounds(best: str | None = "3", *, total: int = 10, by_wrapper: bool = False, trees_a_round: int | None = 1):
    return Rounds(total=total, best=best, by_wrapper=by_wrapper, trees_a_round=trees_a_round)


@pytest.mark.parametrize(
    ("found", "wanted", "count", "noted"),
    [
        pytest.param(rounds(None), None, None, None, id="no mark"),
        pytest.param(rounds(None, by_wrapper=True), None, None, None, id="no mark of a wrapper"),
        pytest.param(rounds("9"), None, None, None, id="last round is best"),
        pytest.param(rounds("3"), None, None, "All 10 rounds are served, as Booster.predict", id="booster"),
        pytest.param(rounds("30"), None, None, "although best_iteration is 30", id="booster after slicing"),
        pytest.param(rounds("soon"), None, None, "although best_iteration is soon", id="own attribute of that name"),
        pytest.param(rounds("3", by_wrapper=True), None, 4, "The first 4 of 10 rounds are served", id="wrapper"),
        pytest.param(rounds("9", by_wrapper=True), None, None, None, id="last round of a wrapper is best"),
        pytest.param(rounds("3"), "best", 4, None, id="best wanted"),
        pytest.param(rounds("9"), "best", None, None, id="best wanted and last"),
        pytest.param(rounds("3", by_wrapper=True), "all", None, None, id="all wanted of a wrapper"),
        pytest.param(rounds(None), "all", None, None, id="all wanted without a mark"),
        pytest.param(rounds("30", by_wrapper=True), "all", None, None, id="all wanted beyond the mark"),
        pytest.param(
            rounds("2", by_wrapper=True, trees_a_round=3), None, 9, "The first 9 of 10", id="forest of an old wrapper"
        ),
    ],
)
def test_a_model_answers_as_the_object_that_saved_it_unless_the_manifest_says_otherwise(found, wanted, count, noted):
    served = choose_rounds(found, wanted, name="trees.json")
    assert served.count == count
    assert (served.note is None) == (noted is None)
    assert noted is None or noted in served.note


@pytest.mark.parametrize(
    ("found", "wanted", "error", "told"),
    [
        pytest.param(rounds(None), "best", ManifestInvalid, "has no best_iteration", id="no mark"),
        pytest.param(rounds("10", by_wrapper=True), None, CheckpointRejected, "is '10', which is none", id="beyond"),
        pytest.param(rounds("-5", by_wrapper=True), None, CheckpointRejected, "is '-5', which is none", id="negative"),
        pytest.param(rounds("²", by_wrapper=True), None, CheckpointRejected, "is '²', which is none", id="exponent"),
        pytest.param(rounds("10"), "best", CheckpointRejected, "is '10', which is none of them", id="best beyond"),
        pytest.param(
            rounds("3", trees_a_round=None), "best", CheckpointRejected, "how many trees a round has", id="old forest"
        ),
    ],
)
def test_a_mark_that_cannot_be_followed_is_refused_and_the_remedy_works(found, wanted, error, told):
    with pytest.raises(error) as caught:
        choose_rounds(found, wanted, name="trees.json")
    assert told in str(caught.value)
    remedy = None if "remove rounds" in str(caught.value) else "all"
    assert remedy is None or "trees: {rounds: all}" in str(caught.value)
    assert choose_rounds(found, remedy, name="trees.json").count is None


@given(st.integers(-3, 12), st.integers(1, 9), st.booleans())
def test_never_more_rounds_are_served_than_there_are_nor_none(best, total, by_wrapper):
    try:
        served = choose_rounds(rounds(str(best), total=total, by_wrapper=by_wrapper), None, name="trees.json")
    except CheckpointRejected:
        assert by_wrapper
        assert not 0 <= best < total
    else:
        assert served.count is None or served.count == best + 1 < total


@pytest.mark.parametrize(
    ("objective", "settings"),
    [
        pytest.param("reg:squarederror", {}, id="one value"),
        pytest.param("reg:squarederror", {"targets": 2}, id="two values"),
        pytest.param(
            "reg:squarederror", {"targets": 2, "multi_strategy": "multi_output_tree"}, id="leaf of two values"
        ),
        pytest.param("multi:softprob", {"classes": 3}, id="three classes"),
        pytest.param(
            "multi:softprob", {"classes": 3, "num_parallel_tree": 2, "subsample": 0.5}, id="forests of classes"
        ),
        pytest.param("binary:logistic", {"num_parallel_tree": 3, "subsample": 0.5}, id="forest"),
        pytest.param("reg:quantileerror", {"targets": 3}, id="three quantiles"),
        pytest.param("reg:squarederror", {"booster": "dart", "rate_drop": 0.5}, id="dropout"),
    ],
)
def test_rounds_are_counted_as_xgboost_counts_them(tmp_path, objective, settings):
    booster, path = train_booster(objective, rounds=5, **settings), tmp_path / "trees.json"
    booster.save_model(path)
    assert examine_trees(path, limits=Limits()).rounds.total == booster.num_boosted_rounds() == 5
    document = json.loads(path.read_text())
    learner = document["learner"]["gradient_booster"]
    del learner.get("gbtree", learner)["model"]["iteration_indptr"]
    path.write_text(json.dumps(document))
    assert examine_trees(path, limits=Limits()).rounds.total == 5


@pytest.mark.parametrize(
    ("parameters", "trees_a_round"),
    [
        pytest.param('{"num_parallel_tree": null, "missing": NaN}', 1, id="default"),
        pytest.param('{"num_parallel_tree": 3}', 3, id="forest"),
        pytest.param('{"_estimator_type": "regressor"}', None, id="not said"),
        pytest.param("{", None, id="no JSON"),
        pytest.param("[]", None, id="list"),
        pytest.param('{"num_parallel_tree": "many"}', None, id="text"),
    ],
)
def test_an_old_wrapper_tells_the_trees_of_a_round_that_the_file_does_not(tmp_path, parameters, trees_a_round):
    booster, path = train_booster("reg:squarederror", rounds=6), tmp_path / "trees.json"
    booster.set_attr(scikit_learn=parameters, best_iteration="0")
    booster.save_model(path)
    document = json.loads(path.read_text())
    del document["learner"]["gradient_booster"]["model"]["gbtree_model_param"]["num_parallel_tree"]
    path.write_text(json.dumps(document))
    found = examine_trees(path, limits=Limits()).rounds
    assert (found.by_wrapper, found.trees_a_round) == (True, trees_a_round)


@pytest.mark.parametrize(
    ("parameters", "noted"),
    [
        pytest.param('{"missing": -999.0}', "trained with missing=-999", id="number"),
        pytest.param('{"missing": 0}', "trained with missing=0", id="zero"),
        pytest.param('{"missing": NaN}', "", id="NaN"),
        pytest.param('{"missing": null}', "", id="null"),
        pytest.param('{"_estimator_type": "classifier"}', "", id="not said"),
        pytest.param("soon", "", id="no JSON"),
    ],
)
def test_a_number_that_stood_for_a_missing_value_is_noted(tmp_path, parameters, noted):
    booster, path = train_booster("reg:squarederror"), tmp_path / "trees.ubj"
    booster.set_attr(scikit_learn=parameters)
    booster.save_model(path)
    notes = examine_trees(path, limits=Limits()).notes
    assert noted in "".join(notes)
    assert bool(notes) == bool(noted)
