"""Numbers that a trace fixes from sizes: right at all allowed sizes, or refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_tools.packaging.proof.control_flow import control_flow
from model_tools.packaging.proof.fixed_sizes import Measured, growth_through, unproved_reads
from model_tools.packaging.proof.sizes import plan_sizes, shapes_at
from tests.support.manifests import parse_manifest


class Model(torch.nn.Module):
    def __init__(self, forward) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(8, 8, 3, stride=2, padding=2)
        self.encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.recurrent = torch.nn.LSTM(8, 8, batch_first=True)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def unproved(forward, largest: int, **options):
    manifest = parse_manifest(
        "{name: x, task: tensor, checkpoint: a.pt, inputs: [{shape: [batch, time, 8]}], "
        f"axes: {{time: {{max: {largest}}}}}}}"
    )
    plan = plan_sizes(manifest, max_elements=1 << 24, weights=1000)

    def draw(sizes):
        return [torch.zeros(shape) for shape in shapes_at(manifest, sizes)]

    reads = control_flow(Model(forward).eval(), draw(plan.traced)).by_sizes
    bounds = {"batch": (1, 4), "time": (1, largest)}
    if reads is None:
        return []
    measured = Measured.by(plan, reads, draw)
    return [read.axes for read in unproved_reads(reads, measured, plan, bounds, **options)]


def longer_inside(model, x):
    h = model.conv(model.conv(x.transpose(1, 2)))
    return h if h.shape[2] > 100 else -h


CHANGES = [
    pytest.param(lambda model, x: x if x.shape[1] > 300 else -x, ("time",), id="threshold"),
    pytest.param(lambda model, x: x if x.shape[1] % 7 else -x, ("time",), id="rest of a division"),
    pytest.param(lambda model, x: x if x.shape[1] != 331 else -x, ("time",), id="a single size"),
    pytest.param(lambda model, x: x if x.shape[1] * x.shape[0] < 900 else -x, ("batch", "time"), id="product of sizes"),
    pytest.param(lambda model, x: x if x.flatten(0, 1).shape[0] < 900 else -x, ("batch", "time"), id="rows inside"),
    pytest.param(lambda model, x: sum(x[:, i] for i in range(x.shape[1])), ("time",), id="range"),
    pytest.param(lambda model, x: x / x.shape[1] ** float(x.shape[1]), ("time",), id="float"),
    pytest.param(longer_inside, ("time",), id="size after convolutions"),
]


@pytest.mark.parametrize(("forward", "axes"), CHANGES)
def test_a_number_that_is_another_at_a_size_that_is_not_proved_is_told_with_its_axes(forward, axes):
    assert unproved(forward, 500) == [axes]


@pytest.mark.parametrize(("forward", "axes"), CHANGES)
def test_no_number_is_unproved_where_all_sizes_are_proved(forward, axes):
    assert unproved(forward, 40) == []


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x if x.shape[1] > 1 else -x, id="another way at a size that is proved"),
        pytest.param(lambda model, x: x if x.shape[1] <= 500 else -x, id="longer than allowed"),
        pytest.param(lambda model, x: x if x.shape[0] > 2 else -x, id="axis with few sizes"),
        pytest.param(lambda model, x: x if x.shape[2] == 8 else -x, id="axis with one size"),
        pytest.param(
            lambda model, x: x if x.flatten(0, 1).shape[0] == x.shape[0] * x.shape[1] else -x, id="assertion on shapes"
        ),
        pytest.param(lambda model, x: model.recurrent(x)[0], id="checks of a recurrent net"),
        pytest.param(
            lambda model, x: model.encoder(x, mask=torch.nn.Transformer.generate_square_subsequent_mask(x.shape[1])),
            id="mask of an encoder",
        ),
    ],
)
def test_a_number_that_is_the_same_at_all_sizes_that_are_not_proved_is_right(forward):
    assert unproved(forward, 500) == []


@given(st.integers(0, 6), st.integers(1, 16), st.integers(-40, 40), st.integers(2, 60))
def test_the_growth_of_a_size_is_found_from_points(growth, step, offset, length):
    def inside(size):
        return (growth * size + offset) // step

    found = growth_through([(size, inside(size)) for size in range(1, length)])
    assert found is not None
    for size in range(1, length):
        assert {found.at(size, 0), found.at(size, 1)} == {inside(size)}


@pytest.mark.parametrize(("forward", "axes"), CHANGES)
def test_no_size_proves_a_number_where_parity_is_too_coarse_to_tell(forward, axes):
    assert unproved(forward, 500, parity_tells=False) == [axes]


def test_a_number_that_is_the_same_everywhere_is_right_however_coarse_parity_is():
    assert unproved(lambda model, x: x if x.shape[1] <= 40 else -x, 40, parity_tells=False) == []
