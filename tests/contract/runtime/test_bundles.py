"""The real bundles, in processes that see nothing but the layer: each part of them, in both placements."""

import json

import pytest
import torch

from model_tools.bundling.cache import cached_runtime
from model_tools.bundling.clean_python import CleanPython
from tests.support.runtime.child import run

TORCH = """
import inspect, io, json, warnings
placement = {placement!r}
provide_runtime(reference, open_bundle, placement, part={part!r}, folder=Path("unpacked"))
written.clear()
import torch
from PIL import Image
model = torch.jit.load("model.pt")
images, expected = (torch.tensor(values) for values in json.loads(Path("case.json").read_text()))
with torch.inference_mode():
    for _ in range(3):
        assert torch.allclose(model(images), expected, atol=1e-5)
for kind in ("JPEG", "PNG", "WEBP"):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 10, 10)).save(buffer, kind)
    assert Image.open(buffer).convert("L").size == (16, 16)
assert "class Linear" in inspect.getsource(torch.nn.Linear)
assert not torch.classes.loaded_libraries
maps = Path("/proc/self/maps").read_text()
print(placement, "site-packages/torch" in maps, os.path.exists(torch.__file__), written)
{more}
"""
WHOLE = """
warnings.simplefilter("ignore")
import numpy
from safetensors.torch import load, save
assert numpy.linalg.inv(numpy.eye(3)).trace() == 3
assert torch.from_numpy(numpy.ones(3)).sum() == 3
assert load(save({"x": torch.ones(2)}))["x"].sum() == 2
net = torch.nn.Linear(2, 2)
assert torch.jit.script(net)(torch.ones(1, 2)).shape == (1, 2)
optimizer = torch.optim.AdamW(net.parameters())
net(torch.ones(1, 2)).sum().backward()
optimizer.step()
"""
XGBOOST = """
placement = {placement!r}
provide_runtime(reference, open_bundle, placement, part="serving", folder=Path("unpacked"))
written.clear()
import numpy, xgboost
data = xgboost.DMatrix(numpy.arange(40.0).reshape(10, 4), label=numpy.arange(10.0))
booster = xgboost.train({{"max_depth": 2, "nthread": 1}}, data, num_boost_round=2)
raw = booster.save_raw("ubj")
again = xgboost.Booster()
again.load_model(bytearray(raw))
assert numpy.allclose(again.inplace_predict(numpy.arange(40.0).reshape(10, 4)), booster.predict(data))
print(placement, xgboost.__version__ == reference.packages["xgboost-cpu"], os.path.exists(xgboost.__file__), written)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return CleanPython(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def torch_bundle():
    return cached_runtime("torch", level=3)


@pytest.fixture(scope="module")
def xgboost_bundle():
    return cached_runtime("xgboost", level=3)


@pytest.fixture
def traced(tmp_path):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))
    images = torch.randn(2, 3, 8, 8)
    torch.jit.save(torch.jit.freeze(torch.jit.trace(net.eval(), images)), tmp_path / "model.pt")
    (tmp_path / "case.json").write_text(json.dumps([images.tolist(), net(images).tolist()]))


@pytest.fixture
def use(python, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(python.layer))
    return lambda code, built: run(code, built.reference, built.bundle, tmp_path, python=python.executable)


@pytest.mark.parametrize("part", ["serving", "whole"])
@pytest.mark.parametrize("wanted", ["tmp", "memory"])
def test_torch_works_from_a_bundle(wanted, part, traced, use, torch_bundle):
    told = use(TORCH.format(placement=wanted, part=part, more=WHOLE if part == "whole" else ""), torch_bundle)

    assert told == f"{wanted} False {wanted == 'tmp'} []"


@pytest.mark.parametrize("wanted", ["tmp", "memory"])
def test_xgboost_works_from_a_bundle(wanted, use, xgboost_bundle):
    assert use(XGBOOST.format(placement=wanted), xgboost_bundle) == f"{wanted} True {wanted == 'tmp'} []"


def test_serving_with_torch_takes_neither_numpy_nor_a_compiler(use, torch_bundle):
    told = use(
        """
        hold_runtime(reference, open_bundle, "serving")
        import torch
        for name in ("numpy", "sympy", "torch._dynamo", "torch._inductor"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error.name, end=" ")
        """,
        torch_bundle,
    )

    assert told.split() == ["numpy", "sympy", "torch._dynamo", "torch._inductor"]


def test_the_part_that_serves_leaves_room_for_a_model_in_a_functions_tmp(torch_bundle):
    model = 47_000_000  # a ResNet-18
    assert torch_bundle.reference.serving.unpacked_size + model < 512 << 20


def test_bundles_name_what_they_hold(torch_bundle, xgboost_bundle):
    assert {"torch", "numpy", "pillow", "safetensors"} <= set(torch_bundle.reference.packages)
    assert {"xgboost-cpu", "numpy", "scipy"} == set(xgboost_bundle.reference.packages)
    for built in (torch_bundle, xgboost_bundle):
        assert built.bundle.name.startswith(built.reference.sha256)
        assert built.bundle.stat().st_size == built.reference.size


def test_a_bundle_that_was_built_before_is_not_built_again(xgboost_bundle):
    told = []
    assert cached_runtime("xgboost", level=3, report=told.append) == xgboost_bundle
    assert told == []
