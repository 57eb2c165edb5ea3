"""What two builds of a model may differ in, and how a refusal names what they must not differ in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import CheckpointRejected, ParityFailed
from model_tools.packaging.proof.state_messages import Call, Kind, RecordedState, Value
from model_tools.packaging.proof.state_refusals import (
    notes_of,
    refuse_accumulation,
    refuse_changed_weights,
    refuse_rebuilt,
    refuse_untrained,
)

CASE = "seed 101 (usual, 2x4)"
SMALL, LARGE = [[2, 4]], [[2, 9]]


def value(digest: str, kind: Kind = "tensor", attribute: str = "table", holder: str = "Tensor") -> Value:
    return Value(kind=kind, digest=digest, attribute=attribute, holder=holder)


def record(loaded: str, *calls: tuple[str, list[list[int]], str], kind: Kind = "tensor") -> RecordedState:
    """Return a record with one value: its digest after loading, and for each call the inputs, shapes and digest."""
    changed = [
        Call(inputs=inputs, shapes=shapes, changed={} if digest == loaded else {"table": value(digest, kind)})
        for inputs, shapes, digest in calls
    ]
    return RecordedState(loaded={"table": value(loaded, kind)}, calls=changed)


def test_equal_builds_are_allowed_and_noted_in_nothing():
    one = record("a", ("x", SMALL, "a"))
    refuse_rebuilt(one, one, None)
    assert notes_of(one, one) == []


@pytest.mark.parametrize("kind", ["weight", "tensor", "trainable"])
def test_a_tensor_that_differs_is_refused_whatever_the_answers(kind):
    for apart in (None, CASE):
        with pytest.raises(CheckpointRejected, match="`table`"):
            refuse_rebuilt(record("a", kind=kind), record("b", kind=kind), apart)


@pytest.mark.parametrize("kind", ["value", "generator"])
def test_another_value_that_differs_is_noted_unless_the_answers_differ(kind):
    one, other = record("a", kind=kind), record("b", kind=kind)
    refuse_rebuilt(one, other, None)
    assert notes_of(one, other) == ["table differs from build to build; the answers do not."]
    with pytest.raises(ParityFailed, match=r"`table`.*answers to seed 101"):
        refuse_rebuilt(one, other, CASE)


def test_answers_that_differ_for_no_known_reason_are_refused():
    one = record("a")
    with pytest.raises(ParityFailed, match="the order of a set"):
        refuse_rebuilt(one, one, CASE)


def test_a_stale_tensor_that_the_first_call_replaces_may_differ_after_loading():
    one = record("a", ("x", SMALL, "c"), ("y", SMALL, "c"))
    other = record("b", ("y", SMALL, "c"), ("x", SMALL, "c"))
    refuse_rebuilt(one, other, None)


def test_a_value_that_depends_on_the_input_at_hand_alone_is_allowed():
    one = record("a", ("x", SMALL, "of x"), ("y", SMALL, "of y"))
    other = record("a", ("y", SMALL, "of y"), ("x", SMALL, "of x"))
    refuse_rebuilt(one, other, None)


def test_a_table_that_grows_with_the_sizes_is_allowed():
    one = record("a", ("x", SMALL, "2"), ("y", SMALL, "2"), ("z", LARGE, "9"))
    other = record("a", ("z", LARGE, "9"), ("y", SMALL, "9"), ("x", SMALL, "9"))
    refuse_rebuilt(one, other, None)


def test_a_value_that_depends_on_inputs_before_is_refused_although_the_answers_are_the_same():
    one = record("a", ("x", SMALL, "of x"), ("y", SMALL, "of x and y"))
    other = record("a", ("y", SMALL, "of y"), ("x", SMALL, "of y and x"))
    with pytest.raises(ParityFailed, match="`table` with every input"):
        refuse_rebuilt(one, other, None)


def test_a_value_of_the_first_input_is_refused_if_answers_depend_on_it():
    one = record("a", ("x", SMALL, "of x"), ("y", SMALL, "of x"))
    other = record("a", ("y", SMALL, "of y"), ("x", SMALL, "of y"))
    with pytest.raises(ParityFailed, match="`table` with the first input"):
        refuse_rebuilt(one, other, CASE)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=6, unique=True))
def test_a_count_of_calls_is_refused_for_any_inputs(inputs):
    one = record("0", *((asked, SMALL, str(number + 1)) for number, asked in enumerate(inputs)))
    other = record("0", *((asked, SMALL, str(number + 1)) for number, asked in enumerate(reversed(inputs))))
    with pytest.raises(ParityFailed, match="`table` with every input"):
        refuse_rebuilt(one, other, None)


def test_a_second_call_with_the_same_input_must_change_nothing():
    refuse_accumulation({"table": value("1")}, {"table": value("1")}, {})
    for before, after in (
        ({}, {"table": value("2")}),
        ({"table": value("1")}, {}),
        ({"table": value("1")}, {"table": None}),
    ):
        with pytest.raises(ParityFailed, match="`table`"):
            refuse_accumulation(before, after, {"table": value("0")})


@pytest.mark.parametrize("now", [{"table": value("b", "weight")}, {}], ids=["another value", "gone"])
def test_a_changed_weight_is_refused(now):
    with pytest.raises(ParityFailed, match="`table`, which the checkpoint holds"):
        refuse_changed_weights({"table": value("a", "weight")}, now)


def test_a_message_lists_the_first_few_names():
    loaded = {f"layer{number}": value("a", "trainable", f"layer{number}", "list") for number in range(9)}
    with pytest.raises(CheckpointRejected) as caught:
        refuse_untrained(loaded, [])
    assert "`layer4` and 4 more: layers or parameters in a Python list" in str(caught.value)
