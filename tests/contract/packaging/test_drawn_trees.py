"""Models of XGBoost that are drawn at random: what is saved for serving answers as the object that was trained."""

import tempfile
from pathlib import Path

import numpy as np
import xgboost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_tools.packaging.children.messages import SAMPLES_FILE
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.trees.load_worker import save_trees
from model_tools.packaging.trees.messages import TREES_FILE, TreesJob, TreesParityJob
from model_tools.packaging.trees.parity_worker import compare_trees
from model_tools.packaging.trees.rounds import choose_rounds
from model_tools.packaging.trees.trees_file import examine_trees
from tests.support.packaging.boosters import FEATURES, TABLE, train_booster

CASES = [Case(seed=1, spread="usual", shapes=[[9, FEATURES]]), Case(seed=2, spread="wide", shapes=[[9, FEATURES]])]
OUTPUTS = (
    st.tuples(st.just("multi:softprob"), st.just("classes"), st.integers(2, 4))
    | st.tuples(st.just("multi:softmax"), st.just("classes"), st.integers(2, 4))
    | st.tuples(
        st.sampled_from(("reg:squarederror", "binary:logistic", "binary:hinge", "reg:quantileerror", "count:poisson")),
        st.just("targets"),
        st.integers(1, 3),
    )
)
BOOSTERS = st.sampled_from(
    (
        {},
        {"booster": "dart", "rate_drop": 0.5},
        {"num_parallel_tree": 2, "subsample": 0.5},
        {"tree_method": "exact", "gamma": 5.0},
        {"grow_policy": "lossguide", "max_leaves": 3},
        {"base_score": 0.4},
    )
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    OUTPUTS, BOOSTERS, st.integers(1, 5), st.none() | st.integers(0, 4), st.booleans(),
    st.sampled_from((None, "all", "best")), st.sampled_from(("json", "ubj")),
)  # fmt: skip
def test_what_is_saved_for_serving_answers_as_the_object_that_was_trained(
    outputs, booster, rounds, best, by_wrapper, wanted, ending
):
    objective, field, count = outputs
    many_in_exact = booster.get("tree_method") == "exact" and objective == "reg:quantileerror"
    trained = train_booster(objective, rounds=rounds, **{field: count}, **({} if many_in_exact else booster))
    best = None if best is None else min(best, rounds - 1)
    if best is not None:
        trained.set_attr(best_iteration=str(best))
    if by_wrapper:
        trained.set_attr(scikit_learn='{"_estimator_type": "classifier"}')
    wanted = None if best is None else wanted
    cuts = best is not None and (wanted == "best" or (wanted is None and by_wrapper))
    expected = trained.predict(xgboost.DMatrix(TABLE), iteration_range=(0, best + 1 if cuts else 0))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained.save_model(folder / f"trees.{ending}")
        (folder / SAMPLES_FILE).write_text("[]")
        found = examine_trees(folder / f"trees.{ending}", limits=Limits())
        served = choose_rounds(found.rounds, wanted, name="trees")
        job = TreesJob(
            checkpoint=found.path, version=list(found.version), rounds=served.count, features=found.features,
            spans=[span or (0.0, 1.0) for span in found.spans], cases=CASES,
        )  # fmt: skip
        save_trees(job, folder)
        parity = compare_trees(TreesParityJob(model=folder / TREES_FILE, cases=len(CASES)), folder)
        answer = xgboost.Booster(model_file=folder / TREES_FILE).inplace_predict(TABLE)

    assert parity.differences == [0] * len(CASES)
    assert answer.shape == expected.shape
    assert np.allclose(answer, expected, rtol=1e-5, atol=1e-6)
