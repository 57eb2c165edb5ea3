"""What the tolerance lets through, and what it refuses, when models are packaged; and what samples then expect."""

import json
from pathlib import Path

import pytest
import torch

from model_tools.errors import ParityFailed
from model_tools.formats.samples import Sample
from model_tools.packaging.package import Package
from model_tools.release.smoke import check_answer
from tests.support.packaging.model_folders import build, sample, write_model
from tests.support.packaging.packing import package_model

MASKED = """
    import math
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.score = nn.Linear(4, 5)
            self.register_buffer("retired", torch.tensor([False, True, False, False, False]))

        def forward(self, x):
            return self.score(x).masked_fill(self.retired, FILL)
"""
SERIES = MASKED.replace("self.score(x)", "(self.score(x.sum(1)) / math.sqrt(x.size(1)))")
PREFIX = """
    import math
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.score = nn.Linear(4, 1)

        def forward(self, x):
            scores = self.score(x).squeeze(-1) / math.sqrt(x.size(1))
            places = torch.arange(x.size(1))
            return scores.masked_fill(places * 2 > x.size(1), FILL)
"""
HALF = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
                nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            )
            for norm in (self.layers[1], self.layers[4]):
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.1, 4)
            self.head = nn.Linear(16, 5)
            self.to(torch.DTYPE)

        def forward(self, x):
            return self.head(self.layers(x.to(torch.DTYPE)).mean((2, 3))) * 40
"""
PRICES = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            price, chance = self.layer(x).unbind(1)
            return torch.stack([(price + 3) * 1e6, chance.sigmoid()], 1)
"""
TIME = {"inputs": [{"shape": ["batch", "time", 4]}], "axes": {"time": {"min": 2, "max": 30}}}


def samples_of(package: Package) -> list[Sample]:
    return [Sample.model_validate_json(line) for line in package.samples.read_text().splitlines()]


def answered(output: list) -> dict:
    return {"output": output, "version": "4"}


@pytest.mark.parametrize("fill", ["-1e9", "torch.finfo(torch.float32).min"], ids=["a billion", "the smallest float"])
@pytest.mark.parametrize("code", [SERIES, PREFIX], ids=["a retired class", "a prefix"])
def test_a_length_that_is_baked_in_is_found_behind_a_mask(tmp_path, code, fill):
    folder = write_model(tmp_path / "model", code.replace("FILL", fill), **TIME)
    with pytest.raises(ParityFailed, match="holds for inputs of the size it was traced with"):
        package_model(folder, tmp_path / "package")


def test_a_sound_model_with_a_mask_is_packaged_and_its_sample_compares_each_value_by_itself(tmp_path):
    package = package_model(write_model(tmp_path / "model", MASKED.replace("FILL", "-1e9")), tmp_path / "package")
    made_up, *_ = samples_of(package)
    row, other = made_up.expect.output
    assert row[1] == -1e9
    assert check_answer(made_up, answered([row, other]), version="4") == []
    wrong = [row[0] + 0.01, *row[1:]]
    assert "output[0][0] is" in check_answer(made_up, answered([wrong, other]), version="4")[0]
    unmasked = [row[0], 0.5, *row[2:]]
    assert "output[0][1] is 0.5" in check_answer(made_up, answered([unmasked, other]), version="4")[0]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_net_in_half_precision_is_packaged_and_may_be_a_rounding_off(tmp_path, dtype, seed):
    torch.manual_seed(seed)
    event = {"input": torch.randn(2, 3, 8, 8).tolist()}
    folder = write_model(
        tmp_path / "model", HALF.replace("DTYPE", dtype), inputs=[{"shape": ["batch", 3, 8, 8]}],
        samples="samples/*.json", files={"samples/a.json": sample(event)},
    )  # fmt: skip
    (asked,) = samples_of(package_model(folder, tmp_path / "package"))
    expected = torch.tensor(asked.expect.output, dtype=getattr(torch, dtype))
    digits = 2.0 ** (-7 if dtype == "bfloat16" else -10)
    for share in (digits, -digits):
        moved = (expected.double() * (1 + share)).to(expected.dtype)
        assert not torch.equal(moved, expected)
        assert check_answer(asked, answered(moved.tolist()), version="4") == []
    assert check_answer(asked, answered((expected * 1.5).tolist()), version="4") != []


def test_a_price_in_a_sample_does_not_loosen_the_chance_beside_it(tmp_path):
    package = package_model(write_model(tmp_path / "model", PRICES), tmp_path / "package")
    made_up, *_ = samples_of(package)
    (price, chance), other = made_up.expect.output
    assert check_answer(made_up, answered([[price + 1, chance], other]), version="4") == []
    assert check_answer(made_up, answered([[price, chance + 0.01], other]), version="4") != []


@pytest.mark.parametrize("kind", ["dynamic-int8", "bfloat16"])
def test_masks_and_prices_do_not_loosen_what_a_quantised_model_may_be_off(tmp_path, kind):
    steep = PRICES.replace("chance.sigmoid()", "(chance * 60).sin()")
    masked = MASKED.replace("FILL", "-1e9").replace("self.score(x)", "(self.score(x) * 60).sin()")
    for name, code in (("prices", steep), ("masked", masked)):
        folder = write_model(tmp_path / name, code, optimize={"quantize": kind})
        with pytest.raises(ParityFailed, match=f"quantize: {kind}}} is to blame"):
            package_model(folder, tmp_path / f"package-{name}")


def test_a_residual_that_is_nothing_but_rounding_is_refused_and_the_remedy_works(tmp_path):
    residual = "torch.cat([y, y.sum(1, keepdim=True) * 3 - (y * 3).sum(1, keepdim=True)], 1)"
    code = HALF.replace("DTYPE", "float32").replace("return self.head", "y = self.head")
    code = code.rstrip() + f"\n            return {residual}\n"
    fields = {"inputs": [{"shape": ["batch", 3, 8, 8]}]}
    with pytest.raises(ParityFailed, match=r"the output is .* at \[\d, 5\] instead of .* channels_last: false"):
        package_model(write_model(tmp_path / "model", code, **fields), tmp_path / "package")
    folder = write_model(tmp_path / "other", code, **fields, optimize={"freeze": False, "channels_last": False})
    package_model(folder, tmp_path / "package")


def test_samples_of_many_numbers_stay_small(tmp_path):
    code = MASKED.replace("nn.Linear(4, 5)", "nn.Linear(4, 2000)").replace(".masked_fill(self.retired, FILL)", "")
    package = package_model(write_model(tmp_path / "model", code), tmp_path / "package")
    text, *_ = package.samples.read_text().splitlines()
    with torch.no_grad():
        made_up, *_ = samples_of(package)
        answer = build(code)(torch.tensor(made_up.event["input"]))
    assert torch.allclose(torch.tensor(made_up.expect.output), answer)
    assert len(text) < 1.6 * len(json.dumps(answer.tolist()))


@pytest.mark.parametrize("answer", ["-inf", "finite", "probabilities"])
def test_a_class_that_is_masked_with_infinity_is_refused_and_each_remedy_works(tmp_path: Path, answer):
    code = MASKED.replace("FILL", "float('-inf')" if answer != "finite" else "torch.finfo(x.dtype).min")
    if answer == "probabilities":
        code = code.replace("float('-inf'))", "float('-inf')).softmax(-1)")
    folder = write_model(tmp_path / "model", code)
    if answer == "-inf":
        with pytest.raises(ParityFailed, match=r"answers -inf in its output at \[0, 1\] \(in every row, at index 1 "):
            package_model(folder, tmp_path / "package")
    else:
        package_model(folder, tmp_path / "package")


PRECISE = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 3).double()

        def forward(self, x):
            return self.head(x * SCALE)
"""


def test_a_size_that_is_computed_with_in_float32_is_refused_in_float64_and_the_remedy_works(tmp_path):
    fields = {"inputs": [{"shape": ["batch", 4], "dtype": "float64"}]}
    rough = write_model(tmp_path / "rough", PRECISE.replace("SCALE", "x.shape[0] ** -0.5"), **fields)
    with pytest.raises(ParityFailed, match=r"less precision .* write torch\.tensor\(x\.shape\[1\]"):
        package_model(rough, tmp_path / "package")
    remedy = "torch.tensor(x.shape[0], dtype=torch.float64) ** -0.5"
    package_model(write_model(tmp_path / "exact", PRECISE.replace("SCALE", remedy), **fields), tmp_path / "package")
