"""The inputs that parity is proved on."""

from hypothesis import given
from hypothesis import strategies as st

from model_tools.packaging.proof.cases import parity_cases, trace_case
from tests.support.manifests import parse_manifest

HUGE = 1 << 40


def tensor(shape: str, axes: str = "{}"):
    return parse_manifest(f"{{name: x, task: tensor, checkpoint: a.pt, inputs: [{{shape: {shape}}}], axes: {axes}}}")


def test_a_fixed_shape_is_tried_with_several_seeds_and_magnitudes():
    cases = parity_cases(tensor("[1, 3]"), max_elements=HUGE)
    assert [case.spread for case in cases] == ["usual", "usual", "usual", "narrow", "wide"]
    assert len({case.seed for case in cases}) == 5


def test_dynamic_axes_are_tried_at_both_ends_and_against_one_another():
    cases = parity_cases(tensor("[batch, words]", "{batch: {max: 8}, words: {min: 5, max: 70}}"), max_elements=HUGE)
    assert trace_case(tensor("[batch, words]")).shapes == [[2, 3]]
    assert [case.shapes[0] for case in cases[5:]] == [[1, 5], [8, 70], [8, 5], [1, 70]]


def test_a_huge_axis_is_tried_as_far_as_the_limit_goes():
    shapes = [
        case.shapes[0] for case in parity_cases(tensor("[batch, 10]", "{batch: {max: 1000000}}"), max_elements=1000)
    ]
    assert max(shape[0] for shape in shapes) in range(50, 101)


@given(st.integers(1, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 9))
def test_every_case_stays_within_the_axes_and_none_is_the_traced_one(low, more, other_low, other_more):
    manifest = tensor(
        "[a, b, a]", f"{{a: {{min: {low}, max: {low + more}}}, b: {{min: {other_low}, max: {other_low + other_more}}}}}"
    )
    for case in [trace_case(manifest), *parity_cases(manifest, max_elements=200)]:
        a, b, same = case.shapes[0]
        assert a == same
        assert low <= a <= low + more
        assert other_low <= b <= other_low + other_more
    assert trace_case(manifest).seed not in {case.seed for case in parity_cases(manifest, max_elements=200)}
