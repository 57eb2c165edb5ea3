import pytest

from statemachine.policies import EVERYTHING, READ_LAMBDA, catch, patient
from statemachine.states import Fields, State, choice, equals, fail, machine, set_error, set_field, task, text, when

OTHERWISE = catch(EVERYTHING, into="$.error", then="Failed")
FAILED = fail("Failed", "It is over.")


def states(*some: State) -> Fields:
    return machine("A test", *some, FAILED, seconds=60, otherwise=OTHERWISE)["States"]


def test_a_state_is_followed_by_the_one_below_unless_it_names_another() -> None:
    written = states(set_field("One", "", "$.a", {}), set_field("Two", "", "$.b", {}, then="One"))

    assert (written["One"]["Next"], written["Two"]["Next"]) == ("Two", "One")
    assert "Next" not in written["Failed"]


def test_a_last_state_that_goes_nowhere_and_a_name_used_twice_are_mistakes() -> None:
    with pytest.raises(ValueError, match="One is the last state and names no successor"):
        machine("A test", set_field("One", "", "$.a", {}), seconds=60, otherwise=OTHERWISE)
    with pytest.raises(ValueError, match="two states are called Failed"):
        states(FAILED)


def test_what_a_task_does_not_catch_leads_where_the_machine_says() -> None:
    gone = catch("Lambda.ResourceNotFoundException", into="$.gone", then="Failed")
    anything = catch(EVERYTHING, into="$.other", then="Failed")
    look = ("aws-sdk:lambda:getAlias", {})
    written = states(
        task("Plain", "", *look, retry=READ_LAMBDA),
        task("Choosy", "", *look, retry=READ_LAMBDA, catch=[gone]),
        task("Own", "", *look, retry=READ_LAMBDA, catch=[anything]),
    )

    assert [written[name]["Catch"] for name in ("Plain", "Choosy", "Own")] == [
        [OTHERWISE],
        [gone, OTHERWISE],
        [anything],
    ]


def test_patience_tries_again_for_longer_and_after_timeouts() -> None:
    (policy,) = patient(READ_LAMBDA)

    assert policy["ErrorEquals"] == ["States.Timeout", *READ_LAMBDA[0]["ErrorEquals"]]
    assert policy["MaxAttempts"] == 40


def test_a_template_is_quoted_for_the_intrinsic_function() -> None:
    assert text(r"It's {} \ {}", "$.a", "$.b") == r"States.Format('It\'s {} \\ {}', $.a, $.b)"


def test_words_and_paths_are_told_apart_in_an_error() -> None:
    written = states(set_error("Name", "", "$.error.Error", "It is so.", then="Failed"))

    assert written["Name"]["Parameters"] == {"Error.$": "$.error.Error", "Cause": "It is so."}


def test_a_choice_goes_by_its_rules_and_else_by_its_default() -> None:
    written = states(choice("Which", "", when(equals("$.a", "b"), "Failed"), otherwise="Failed"))

    assert written["Which"]["Choices"] == [{"Variable": "$.a", "StringEquals": "b", "Next": "Failed"}]
    assert written["Which"]["Default"] == "Failed"
