"""The user's architecture code, and how its faults are told."""

import itertools
import sys

import pytest
import torch

from model_tools.errors import ManifestInvalid, PublishError, TraceFailed
from model_tools.packaging.checkpoint.architecture import build_model
from tests.support.manifests import parse_manifest

numbers = itertools.count()


@pytest.fixture
def build(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def build(code: str, arguments: str = "{}") -> torch.nn.Module:
        module = f"user_code_{next(numbers)}"
        (tmp_path / f"{module}.py").write_text(code)
        manifest = parse_manifest(
            f"{{name: x, task: tensor, checkpoint: a.pt, inputs: [{{shape: [1]}}], architecture: '{module}:Net', "
            f"arguments: {arguments}}}"
        )
        return build_model(manifest, tmp_path)

    return build


def test_a_class_or_a_function_gets_the_manifests_arguments(build):
    assert build("import torch\ndef Net(size): return torch.nn.Linear(size, 2)", "{size: 3}").in_features == 3
    assert build("from torch.nn import Linear as Net", "{in_features: 4, out_features: 1}").in_features == 4


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        pytest.param(
            "import nowhere",
            TraceFailed,
            "it imports 'nowhere', which is neither in the model's folder nor installed",
            id="missing import",
        ),
        pytest.param("x = 1\ndef f(:", TraceFailed, ".py, line 2: `def f(:`)", id="syntax error"),
        pytest.param("import sys\nsys.exit('enough')", TraceFailed, "SystemExit: enough (user_code_", id="exit"),
        pytest.param(
            "def Net():\n    return {}['absent']", TraceFailed, "KeyError: 'absent' (user_code_", id="exception"
        ),
        pytest.param("x = 1", ManifestInvalid, "no callable 'Net'; it defines no class: name", id="no class"),
        pytest.param("class Other: pass", ManifestInvalid, "has no callable 'Net'; it has Other", id="another name"),
        pytest.param(
            "def Net(depth): pass",
            ManifestInvalid,
            "does not take them (missing a required argument: 'depth')",
            id="missing argument",
        ),
        pytest.param("def Net(): return 3", ManifestInvalid, "returned int, not a torch.nn.Module", id="no module"),
    ],
)
def test_a_fault_is_told_with_its_place_and_the_remedy(build, code, error, told):
    with pytest.raises(PublishError) as caught:
        build(code)
    assert type(caught.value) is error
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("1_000", id="underscore"),
        pytest.param("'8'", id="quoted number"),
        pytest.param("1e", id="exponent without digits"),
    ],
)
def test_a_text_that_looks_like_a_number_is_told_where_the_code_fails(build, written):
    with pytest.raises(TraceFailed) as caught:
        build("import torch\ndef Net(width): return torch.nn.Linear(2, width)", f"{{width: {written}}}")
    assert f":Net with the text {written.strip(chr(39))!r} as width fails: TypeError" in str(caught.value)


def test_a_text_that_looks_like_a_number_within_a_list_is_told_where_the_code_fails(build):
    with pytest.raises(TraceFailed, match=":Net with the text '1_000' as widths fails: TypeError"):
        build("import torch\ndef Net(widths): return torch.nn.Linear(*widths)", "{widths: [2, 1_000]}")


@pytest.mark.parametrize(
    ("parameter", "written", "told"),
    [
        pytest.param("flag=True", "no", "flag is the text 'no' in YAML 1.2, .*a bool there: write true or f", id="no"),
        pytest.param("flag: bool", "Off", "flag is the text 'Off'", id="off"),
        pytest.param("flag: 'bool'", "'false'", "flag is the text 'false'", id="quoted false"),
        pytest.param("flag=8", "1_000", "flag is the text '1_000' in YAML 1.2, .*a number there", id="underscore"),
        pytest.param("flag=8", "2**3", "a number there: write the number's digits", id="power"),
        pytest.param("flag=0.1", "10%", "a number there: write the number's digits", id="per cent"),
        pytest.param("flag=0.1", "1/255", "a number there: write the number's digits", id="fraction"),
        pytest.param("flag=None", "None", "flag is the text 'None', .* write flag: null", id="None"),
        pytest.param("**flag", "None", "flag is the text 'None', .* write flag: null", id="None by any name"),
        pytest.param("flag: float = None", "'1e-5'", "a number there: write the number's digits", id="quoted number"),
    ],
)
def test_a_text_where_the_architecture_has_another_type_is_refused(build, parameter, written, told):
    with pytest.raises(ManifestInvalid, match=told):
        build(f"import torch\ndef Net({parameter}): return torch.nn.Linear(2, 2, bias=flag)", f"{{flag: {written}}}")


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param("country", id="untyped"),
        pytest.param("country='SE'", id="text by default"),
        pytest.param("country=None", id="nothing by default"),
        pytest.param("country: str", id="declared text"),
    ],
)
def test_a_text_stays_a_text_where_the_architecture_takes_one(build, parameter):
    lines = [f"def Net({parameter}):", "    net = torch.nn.Linear(2, 2)", "    net.country = country", "    return net"]
    assert build("\n".join(["import torch", *lines]), "{country: NO}").country == "NO"


def test_none_stays_a_text_where_a_text_stands_by_default(build):
    code = "import torch\ndef Net(mode='zeros'):\n    net = torch.nn.Linear(2, 2)\n    net.mode = mode\n    return net"
    assert build(code, "{mode: None}").mode == "None"


def test_a_number_without_a_point_is_a_number(build):
    assert build("import torch\ndef Net(eps): return torch.nn.LayerNorm(2, eps)", "{eps: 1e-5}").eps == 1e-5


def test_a_module_that_is_not_in_the_folder_is_the_manifests_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    manifest = parse_manifest(
        "{name: x, task: tensor, checkpoint: a.pt, inputs: [{shape: [1]}], architecture: 'absent.net:Net'}"
    )
    with pytest.raises(ManifestInvalid, match=r"no module 'absent.net' in the model's folder: add absent/net.py"):
        build_model(manifest, tmp_path)
