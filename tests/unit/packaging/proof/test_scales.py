"""The magnitude that each value of an answer is measured by, and what follows for wrong and for sound models."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_tools.packaging.proof.comparison import compare, unit_in_last_place
from model_tools.packaging.proof.scales import UsualScales, fill_levels
from model_tools.packaging.proof.tolerance import TOLERANCES, tolerance_of
from model_tools.tensors.dtypes import DTYPE_NAMES, DTYPES

FLOATS = sorted(TOLERANCES)
FILLS = {"a billion": -1e9, "the smallest float32": torch.finfo(torch.float32).min, "the smallest float16": -65504.0,
         "ten thousand": -1e4, "ten to the thirty": -1e30}  # fmt: skip
quick = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 10_000)
shapes = st.lists(st.integers(1, 6), min_size=0, max_size=4).map(tuple)


def draws(seed: int, *shape: int, count: int = 5) -> list[torch.Tensor]:
    """Return answers with normally distributed values."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count)]


def excess(found: torch.Tensor, trained: torch.Tensor, usual: list[torch.Tensor], *, connects: bool = True) -> float:
    tolerance = tolerance_of(DTYPE_NAMES[trained.dtype])
    result = compare(found, trained, usual=UsualScales(usual, connects=connects), tolerance=tolerance).excess
    assert result is not None
    return result


@quick
@given(seeds, shapes, st.sampled_from(FLOATS), st.integers(-20, 20))
def test_one_unit_in_the_last_place_is_always_allowed(seed, shape, dtype, exponent):
    *usual, answer = [(each * 2.0 ** (exponent / 2)).to(DTYPES[dtype]) for each in draws(seed, *shape, count=4)]
    ulp = unit_in_last_place(answer)
    for moved in (answer.double() + ulp, answer.double() - ulp):
        assert excess(moved.to(answer.dtype), answer, usual) <= 1


def test_one_unit_in_the_last_place_is_allowed_where_the_dtype_has_few_digits_left():
    usual = [torch.tensor([[3e-7, 1e-7]], dtype=torch.float16)] * 3  # below 6e-5 float16 counts in steps of 6e-8
    moved = torch.nextafter(usual[0], torch.ones_like(usual[0]))
    assert excess(moved, usual[0], usual) <= 1
    assert excess(usual[0] * 3, usual[0], usual) > 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_units_in_the_last_place_are_those_of_the_dtype(dtype):
    answer = torch.tensor([1.0, 1.5, 3.0, 0.0], dtype=DTYPES[dtype])
    inf = torch.full_like(answer, math.inf)
    expected = torch.nextafter(answer, inf).double() - answer.double() if dtype != "bfloat16" else None
    if expected is None:  # torch has no nextafter for bfloat16, which has 8 digits
        expected = torch.tensor([2**-7, 2**-7, 2**-6, 2.0**-133], dtype=torch.float64)
    assert torch.equal(unit_in_last_place(answer), expected)


@quick
@given(seeds, shapes, st.integers(-60, 60))
def test_scales_grow_as_the_answers_do(seed, shape, exponent):
    *usual, answer = draws(seed, *shape)
    factor = 2.0**exponent
    scaled = UsualScales([each * factor for each in usual]).scales_of(answer * factor)
    assert torch.equal(scaled, UsualScales(usual).scales_of(answer) * factor)


@quick
@given(seeds, st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_no_axis_is_special(seed, first, second, third):
    *usual, answer = draws(seed, first, second, third)
    turned = UsualScales([each.permute(2, 0, 1) for each in usual]).scales_of(answer.permute(2, 0, 1))
    assert torch.allclose(turned, UsualScales(usual).scales_of(answer).permute(2, 0, 1))


@quick
@given(seeds, st.integers(2, 6), st.integers(2, 6), st.floats(1e3, 1e30), st.booleans())
def test_one_value_never_loosens_any_other(seed, rows, columns, huge, negative):
    *usual, answer = draws(seed, rows, columns)
    scales = UsualScales(usual, connects=True)
    loosened = answer.clone()
    loosened[0, 0] = -huge if negative else huge
    after = scales.scales_of(loosened)
    after_others = after.flatten()[1:]
    # The growth of an answer is told by its median, which one value moves to the next value at the most.
    assert float(after_others.max()) <= 4 * float(scales.scales_of(answer).max())
    assert after[0, 0] == pytest.approx(huge)


@quick
@given(seeds, st.integers(0, 5), st.floats(1e3, 1e12))
def test_a_large_column_never_loosens_another(seed, column, factor):
    *usual, answer = draws(seed, 3, 6)
    factors = torch.ones(6, dtype=torch.float64)
    factors[column] = factor
    before = UsualScales(usual, connects=True).scales_of(answer)
    after = UsualScales([each * factors for each in usual], connects=True).scales_of(answer * factors)
    others = torch.arange(6) != column
    assert float(after[:, others].max()) <= 3 * float(before[:, others].max())
    assert bool((after[:, column] >= before[:, column]).all())


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
@quick
@given(seed=seeds, data=st.data())
def test_masked_values_loosen_no_other_wherever_they_stand(fill, seed, data):
    masks = [torch.tensor(data.draw(st.lists(st.booleans(), min_size=24, max_size=24))).view(4, 6) for _ in range(5)]
    plain = draws(seed, 4, 6)
    added = data.draw(st.booleans()) and abs(fill) < 1e8
    masked = [torch.where(mask, fill + (each if added else 0.0), each) for mask, each in zip(masks, plain, strict=True)]
    *usual, answer = masked
    scales = UsualScales(usual).scales_of(answer)
    assert bool((scales[~masks[-1]] <= 20).all()) or sum(int((~mask).sum()) for mask in masks) < 10
    assert bool((scales >= answer.abs()).all())


def test_fills_are_found_and_ordinary_values_are_none():
    (values,) = draws(1, 200, count=1)
    assert fill_levels(values.abs()) == []
    assert fill_levels(torch.cat([values, torch.full((5,), 1e4) + values[:5]]).abs())[0][0] == pytest.approx(
        8e3, rel=0.01
    )
    assert len(fill_levels(torch.cat([values, torch.tensor([1e9, 1e9, 1e30])]).abs())) == 2
    assert fill_levels(torch.tensor([1e9, 1e9, 1e9])) == []
    assert fill_levels(torch.tensor([1.0, 1e9])) == []  # two numbers may be anything


@quick
@given(seeds)
def test_a_price_that_is_near_zero_by_chance_keeps_the_scale_of_prices(seed):
    usual = [each * torch.tensor([1e6, 1.0]) for each in draws(seed, 2, 2)]
    answer = usual[0].clone()
    answer[0, 0] = 5.0
    scale = UsualScales(usual).scales_of(answer)[0, 0]
    assert scale > 1e5


def test_a_column_of_which_most_cases_have_only_masks_is_measured_by_its_neighbours():
    usual = draws(3, 2, 8)
    for each in usual:
        each[:, 5] = -1e9
    answer = draws(4, 2, 8)[0]
    answer[0, 5] = 1e-5
    assert UsualScales(usual).scales_of(answer)[0, 5] > 0.5


def test_larger_inputs_make_larger_scales_where_terms_cancel_out():
    *usual, answer = draws(5, 4, 50)
    answer[:, 0] = 1e-3
    assert UsualScales(usual).scales_of(answer)[0, 0] < 4
    assert UsualScales(usual).scales_of(answer * 10)[0, 0] > 10


def test_the_largest_of_few_values_is_raised():
    usual = [torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor([0.2])]
    assert UsualScales(usual).scales_of(torch.tensor([0.1])).item() == pytest.approx(1 + 4 / 3)
    assert float(UsualScales([torch.ones(1, 1000)] * 3).scales_of(torch.ones(1, 1000)).max()) < 2.4


def test_in_an_answer_that_hardly_changes_columns_are_measured_alike_if_they_are_weighed_together():
    (same,) = draws(6, 1, 10, count=1)
    same[0, 3] = 0.005
    *usual, answer = [same + noise / 1e4 for noise in draws(7, 3, 10, count=6)]
    assert UsualScales(usual, connects=True).scales_of(answer)[0, 3] > 0.4
    assert UsualScales(usual).scales_of(answer)[0, 3] < 0.02
    varying = [each * torch.where(torch.arange(10) == 3, 0.02, 1.0) for each in draws(7, 3, 10, count=6)]
    assert UsualScales(varying, connects=True).scales_of(varying[0])[0, 3] < 0.1
    far = torch.where(torch.arange(10) == 3, 1e-3, 1.0)
    assert UsualScales([each * far for each in usual], connects=True).scales_of(answer * far)[0, 3] < 1e-3


def test_sizes_may_differ_from_case_to_case():
    usual = [
        draws(seed, rows, time, 3, count=1)[0]
        for seed, (rows, time) in enumerate([(2, 3), (2, 3), (2, 3), (1, 2), (4, 9)])
    ]
    scales = UsualScales(usual).scales_of(draws(9, 4, 30, 3, count=1)[0])
    assert scales.shape == (4, 30, 3)
    assert 0.5 < float(scales.min()) <= float(scales.max()) < 10


def test_without_usual_cases_the_whole_answer_is_the_measure():
    answer = torch.tensor([[3.0, -0.001, 1.0, 2.0, -1e9]])
    assert UsualScales([]).scales_of(answer).tolist() == [[3.0, 3.0, 3.0, 3.0, 1e9]]
    assert UsualScales([]).scales_of(torch.tensor(-2.0)).tolist() == 2.0
    assert UsualScales([]).scales_of(torch.zeros(0, 3)).shape == (0, 3)


def test_values_that_are_not_finite_are_no_measure():
    inf = math.inf
    usual = [torch.tensor([[1.0, -inf], [2.0, -inf]])] * 3
    assert float(UsualScales(usual).scales_of(torch.tensor([[1.5, -inf]])).max()) < 10


def test_what_is_wrong_in_a_small_column_is_found_beside_a_large_one():
    factors = torch.tensor([1e6, 1.0])
    usual = [(each.float() + torch.tensor([3.0, 0.5])) * factors for each in draws(8, 1, 2, count=6)]
    wrong = usual[0] * torch.tensor([1.0, 1.001])
    assert excess(wrong, usual[0], usual) > 1
    assert excess(usual[0] * torch.tensor([1.001, 1.0]), usual[0], usual) > 1
    assert excess(usual[0] * (1 + 1e-6), usual[0], usual) < 1


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_a_mask_at_another_length_is_found_and_so_are_wrong_values_beside_it(fill):
    def masked(values: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        return values.masked_fill(torch.arange(8) >= torch.tensor(lengths)[:, None], fill)

    usual = [masked(each.float(), [3, 6]) for each in draws(10, 2, 8)]
    answer = draws(11, 2, 8)[0].float()
    trained = masked(answer, [3, 6])
    assert excess(masked(answer, [3, 5]), trained, usual) > 1
    assert excess(masked(answer, [3, 7]), trained, usual) > 1
    assert excess(masked(answer * 1.001, [3, 6]), trained, usual) > 1
    assert excess(masked(answer * (1 + 1e-6), [3, 6]), trained, usual) < 1
