"""Nets as people train them: what optimising them changes is allowed, and what is wrong with them is not."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from model_tools.formats.manifest import Manifest
from model_tools.packaging.proof.cases import TRACE_SEED, Case, parity_cases
from model_tools.packaging.proof.comparison import compare
from model_tools.packaging.proof.example_inputs import draw_inputs
from model_tools.packaging.proof.messages import TraceJob
from model_tools.packaging.proof.scales import UsualScales
from model_tools.packaging.proof.sizes import plan_sizes, shapes_at
from model_tools.packaging.proof.tolerance import tolerance_of
from model_tools.packaging.proof.tracing import trace_model
from model_tools.tensors.dtypes import DTYPE_NAMES
from model_tools.tensors.memory_format import in_format
from tests.support.manifests import parse_manifest

HEAD = "name: x\ntask: tensor\ncheckpoint: a.pt\narchitecture: net:Net\n"
IMAGES = parse_manifest(HEAD + "inputs: [{shape: [batch, 3, 12, 12]}]")
ONE_IMAGE = parse_manifest(HEAD + "inputs: [{shape: [1, 3, 12, 12]}]")
ROWS = parse_manifest(HEAD + "inputs: [{shape: [batch, 10]}]")
WORDS = parse_manifest(
    HEAD + "inputs: [{shape: [batch, time], dtype: int64, range: [0, 99]}]\naxes: {time: {min: 2, max: 20}}"
)
SERIES = parse_manifest(HEAD + "inputs: [{shape: [batch, time, 8]}]\naxes: {time: {min: 2, max: 20}}")


class Convolutions(nn.Module):
    """Convolutions with batch norms whose statistics differ from channel to channel, as training leaves them."""

    def __init__(self, depth: int, last: nn.Module | None = None, outputs: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in [3] + [16] * (depth - 1):
            norm = nn.BatchNorm2d(16)
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.05, 4)
            layers += [nn.Conv2d(channels, 16, 3, padding=1), norm, nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(16, outputs)
        self.last = last or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.head(self.layers(x.to(self.head.weight.dtype)).mean((2, 3))))


class Transformer(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        for weight in self.encoder.parameters():
            if weight.dim() > 1:
                nn.init.xavier_normal_(weight)
        self.head = nn.Linear(32, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embed(x)).mean(1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.states = nn.LSTM(8, 32, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(64, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.states(x)[0][:, -1])


class Regression(nn.Module):
    """A price of some hundred thousand, a probability, and a residual of a millionth, of one trunk."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 3))
        self.layers[1].running_mean.normal_()
        self.layers[1].running_var.uniform_(0.05, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        price, chance, residual = self.layers(x).unbind(1)
        return torch.stack([price * 3e5, chance.sigmoid(), residual * 1e-6], 1)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the proof does
    yield
    torch.set_num_threads(threads)


def largest_excess(trained: nn.Module, manifest: Manifest, served: nn.Module | None = None) -> float:
    """Return the largest difference over all cases, in units of what is allowed, from the model or its trace."""
    trained.eval()
    plan = plan_sizes(manifest, max_elements=1 << 20, weights=0)
    cases = parity_cases(manifest, plan)
    inputs = [draw_inputs(case, manifest.inputs)[0] for case in cases]
    with torch.no_grad():
        answers = [trained(each) for each in inputs]
        traced = None
        if served is None:
            copied = copy.deepcopy(trained)
            case = Case(seed=TRACE_SEED, spread="usual", shapes=shapes_at(manifest, plan.traced))
            job = TraceJob(
                folder=Path("folder"), checkpoint=Path("weights.pt"), kind="state_dict", manifest=manifest, trace=case,
                cases=cases, sizes=plan,
            )  # fmt: skip
            traced = trace_model(copied, job)
        called = traced.module if traced else served.eval()
        found = [
            called(*in_format([each], channels_last=traced is not None and traced.channels_last)) for each in inputs
        ]
    dtype = DTYPE_NAMES[answers[0].dtype]
    usual = [answer for case, answer in zip(cases, answers, strict=True) if case.spread == "usual"]
    scales = UsualScales(usual, connects=dtype in ("float32", "float64"))
    differences = [
        compare(one, answer, usual=scales, tolerance=tolerance_of(dtype))
        for one, answer in zip(found, answers, strict=True)
    ]
    assert not any(difference.problem for difference in differences)
    return max(difference.excess or 0.0 for difference in differences)


@pytest.mark.parametrize(
    ("make", "manifest"),
    [
        pytest.param(lambda: Convolutions(12), IMAGES, id="deep convolutions"),
        pytest.param(lambda: Convolutions(12), ONE_IMAGE, id="one image at a time"),
        pytest.param(lambda: Convolutions(6, outputs=1), IMAGES, id="one output"),
        pytest.param(lambda: Convolutions(6, outputs=1000), IMAGES, id="a thousand classes"),
        pytest.param(lambda: Convolutions(6, nn.Softmax(-1)), IMAGES, id="softmax"),
        pytest.param(lambda: Convolutions(6, nn.LayerNorm(10)), IMAGES, id="layer norm"),
        pytest.param(lambda: Convolutions(6).double(), IMAGES, id="convolutions in float64"),
        pytest.param(lambda: Convolutions(12).bfloat16(), IMAGES, id="convolutions in bfloat16"),
        pytest.param(lambda: Convolutions(12).half(), IMAGES, id="convolutions in float16"),
        pytest.param(lambda: Transformer(12), WORDS, id="transformer"),
        pytest.param(lambda: Transformer(12).bfloat16(), WORDS, id="transformer in bfloat16"),
        pytest.param(lambda: Transformer(12).half(), WORDS, id="transformer in float16"),
        pytest.param(Recurrent, SERIES, id="recurrent"),
        pytest.param(Regression, ROWS, id="targets of all sizes"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_trace_of_a_sound_net_is_well_within_what_is_allowed(make: Callable[[], nn.Module], manifest, seed):
    torch.manual_seed(seed)
    assert largest_excess(make(), manifest) < 0.7


def change_class(model: nn.Module) -> None:
    model.head.weight.data[3] *= 1.01


def change_bias(model: nn.Module) -> None:
    model.head.bias.data[3] += 0.001


def swap_classes(model: nn.Module) -> None:
    model.head.weight.data[[0, 3]] = model.head.weight.data[[3, 0]]


def skip_layer(model: nn.Module) -> None:
    model.layers[-1] = nn.Identity()


@pytest.mark.parametrize("change", [change_class, change_bias, swap_classes, skip_layer])
@pytest.mark.parametrize("last", [None, nn.Softmax(-1), nn.LayerNorm(10)], ids=["logits", "softmax", "layer norm"])
def test_a_small_change_of_a_net_is_too_much(change, last):
    torch.manual_seed(4)
    model = Convolutions(4, last)
    wrong = copy.deepcopy(model)
    change(wrong)
    assert largest_excess(model, IMAGES, wrong) > 1


@pytest.mark.parametrize("output", [0, 1, 2], ids=["price", "chance", "residual"])
def test_a_change_of_one_target_is_found_whatever_its_size(output):
    torch.manual_seed(5)
    model = Regression()
    wrong = copy.deepcopy(model)
    wrong.layers[-1].weight.data[output] *= 1.01
    assert largest_excess(model, ROWS, wrong) > 1
