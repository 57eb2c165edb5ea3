import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import AliasChanged, CanaryFailed
from model_tools.release.rollout import Evidence, RolloutPlan, Split, Verdict, judge, plan_rollout

PLAN = RolloutPlan(champion="3", candidate="4", steps=(10, 50))
CLEAN = Evidence(invocations=120, errors=0)


def test_a_rollout_goes_from_the_champion_alone_by_its_steps_to_the_candidate_alone() -> None:
    assert [PLAN.split(position) for position in range(PLAN.last + 1)] == [
        Split("3"),
        Split("3", (("4", 0.1),)),
        Split("3", (("4", 0.5),)),
        Split("4"),
    ]
    assert [PLAN.weight(position) for position in range(PLAN.last + 1)] == [0, 10, 50, 100]


def test_a_split_is_written_as_update_alias_takes_it() -> None:
    assert PLAN.split(1).to_alias() == {
        "FunctionVersion": "3",
        "RoutingConfig": {"AdditionalVersionWeights": {"4": 0.1}},
    }
    assert PLAN.split(3).to_alias() == {"FunctionVersion": "4", "RoutingConfig": {"AdditionalVersionWeights": {}}}


def test_the_shares_of_a_split_add_up_to_all_of_the_traffic() -> None:
    assert PLAN.split(0).shares() == {"3": 1}
    assert PLAN.split(1).shares() == {"3": 0.9, "4": 0.1}


def test_the_first_release_gets_all_traffic_at_once() -> None:
    plan = plan_rollout(champion="1", candidate="2", steps=[10, 50], bootstrap="1")

    assert judge(plan, 0, Split("1"), CLEAN) == Verdict("advance", 1)
    assert plan.split(1) == Split("2")


def test_a_later_release_goes_by_its_steps() -> None:
    assert plan_rollout(champion="3", candidate="4", steps=[10, 50], bootstrap="1") == PLAN


def test_without_errors_the_candidate_advances_also_when_it_had_no_requests() -> None:
    assert judge(PLAN, 1, PLAN.split(1), CLEAN) == Verdict("advance", 2)
    assert judge(PLAN, 1, PLAN.split(1), Evidence(invocations=0, errors=0)) == Verdict("advance", 2)


def test_one_failed_request_ends_the_rollout() -> None:
    with pytest.raises(CanaryFailed, match=r"Version 4 failed 1 of 120 requests at 10 %.*back on version 3"):
        judge(PLAN, 1, PLAN.split(1), Evidence(invocations=120, errors=1))


def test_an_update_that_never_happened_is_done_again() -> None:
    assert judge(PLAN, 2, PLAN.split(1), CLEAN) == Verdict("advance", 2)


def test_a_last_update_whose_answer_was_lost_completes_the_rollout() -> None:
    assert judge(PLAN, PLAN.last, PLAN.split(PLAN.last), CLEAN) == Verdict("done", PLAN.last)


def test_somebody_elses_split_is_respected_and_told() -> None:
    with pytest.raises(AliasChanged, match=r"90 % to version 3 and 10 % to version 4, but .* 100 % to version 2"):
        judge(PLAN, 1, Split("2"), CLEAN)


@given(steps=st.lists(st.integers(1, 99), unique=True, max_size=6).map(sorted))
def test_a_clean_rollout_always_ends_with_rising_weights(steps: list[int]) -> None:
    plan = RolloutPlan("3", "4", tuple(steps))
    position, weights = 0, []
    while (verdict := judge(plan, position, plan.split(position), CLEAN)).kind == "advance":
        position = verdict.position
        weights.append(plan.weight(position))

    assert weights == [*steps, 100]
