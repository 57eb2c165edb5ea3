"""The inputs that parity is proved on."""

from hypothesis import given
from hypothesis import strategies as st

from model_tools.packaging.proof.cases import parity_cases
from model_tools.packaging.proof.sizes import plan_sizes
from tests.support.manifests import parse_manifest

HUGE = 1 << 40


def tensor(shape: str, axes: str = "{}", dtype: str = "float32"):
    return parse_manifest(
        f"{{name: x, task: tensor, checkpoint: a.pt, inputs: [{{shape: {shape}, dtype: {dtype}}}], axes: {axes}}}"
    )


def plan(manifest, *, max_elements: int = HUGE, weights: int = 0):
    return plan_sizes(manifest, max_elements=max_elements, weights=weights)


def test_a_fixed_shape_is_tried_with_several_seeds_and_magnitudes():
    manifest = tensor("[1, 3]")
    cases = parity_cases(manifest, plan(manifest))
    assert [case.spread for case in cases] == ["usual", "usual", "usual", "narrow", "wide"]
    assert len({case.seed for case in cases}) == 5


def test_integers_are_also_drawn_as_masks_and_padded_ids_have_them():
    manifest = tensor("[1, 3]", dtype="int64")
    assert [case.spread for case in parity_cases(manifest, plan(manifest))][5:] == ["prefix", "above", "single"]


def test_all_sizes_are_proved_if_they_are_few():
    found = plan(tensor("[batch, words]", "{batch: {max: 3}, words: {min: 5, max: 20}}"))
    assert found.traced == {"batch": 2, "words": 5}
    proved = [found.traced, *found.proved]
    assert sorted((sizes["batch"], sizes["words"]) for sizes in proved) == [
        (b, w) for b in range(1, 4) for w in range(5, 21)
    ]
    assert found.all_combinations
    assert found.complete == {"batch", "words"}


def test_of_many_sizes_the_ends_and_those_around_powers_of_two_are_proved():
    found = plan(tensor("[batch, words]", "{words: {min: 5, max: 512}}"))
    words = {sizes["words"] for sizes in found.proved}
    assert {5, 6, 511, 512} <= words
    assert len(words & {power + step for power in (8, 16, 32, 64, 128, 256) for step in (-1, 0, 1)}) >= 6
    assert len(words) < 60
    assert (found.complete, found.all_combinations) == ({"batch"}, False)
    assert found.proved_of("words") == len(words | {found.traced["words"]})


def test_a_large_model_is_proved_at_fewer_sizes():
    manifest = tensor("[batch, words]", "{words: {max: 128}}")
    small, large = plan(manifest, weights=1_000), plan(manifest, weights=100_000_000)
    assert small.complete == {"batch", "words"}
    assert 8 <= large.proved_of("words") < 64


def test_a_huge_axis_is_tried_as_far_as_the_limit_goes():
    found = plan(tensor("[batch, 10]", "{batch: {max: 1000000}}"), max_elements=1000)
    assert max(sizes["batch"] for sizes in found.proved) in range(50, 101)


@given(st.integers(1, 9), st.integers(0, 999), st.integers(1, 9), st.integers(0, 9), st.integers(0, 10**9))
def test_every_case_stays_within_the_axes_and_the_limit(low, more, other_low, other_more, weights):
    manifest = tensor(
        "[a, b, a]", f"{{a: {{min: {low}, max: {low + more}}}, b: {{min: {other_low}, max: {other_low + other_more}}}}}"
    )
    found = plan(manifest, max_elements=2000, weights=weights)
    for case in parity_cases(manifest, found):
        a, b, same = case.shapes[0]
        assert a == same
        assert low <= a <= low + more
        assert other_low <= b <= other_low + other_more
        assert a * b * a <= max(2000, low * low * other_low) or (a, b) == (found.traced["a"], found.traced["b"])
    assert len({tuple(sizes.values()) for sizes in found.proved}) == len(found.proved)
