"""Operators in the code of a TorchScript file, found before torch sees it."""

import zipfile

import pytest
import torch
from torch import nn

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.compiled import load_script
from model_tools.packaging.checkpoint.compiled_file import check_script
from model_tools.packaging.checkpoint.script_source import operators_in_source
from tests.support.packaging.compiled_models import (
    IMAGES,
    Everything,
    Functional,
    Recurrent,
    Restored,
    script_that_restores,
    script_with_body,
    statically_quantised,
)


def dynamically_quantised():
    return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)).eval(), {nn.Linear}, dtype=torch.qint8)


SOUND = {
    "much of the language": lambda: torch.jit.script(Everything()),
    "state that is restored": lambda: torch.jit.script(Restored()),
    "functions": lambda: torch.jit.script(Functional()),
    "images": lambda: torch.jit.script(IMAGES.eval()),
    "images that were traced": lambda: torch.jit.trace(IMAGES.eval(), torch.randn(2, 3, 8, 8)),
    "images that were frozen": lambda: torch.jit.freeze(torch.jit.script(IMAGES.eval())),
    "recurrent": lambda: torch.jit.script(Recurrent().eval()),
    "transformer": lambda: torch.jit.script(nn.TransformerEncoderLayer(8, 2, 16).eval()),
    "dynamically quantised": lambda: torch.jit.script(dynamically_quantised()),
    "statically quantised": lambda: torch.jit.script(statically_quantised()),
    "statically quantised and traced": lambda: torch.jit.trace(statically_quantised(), torch.randn(2, 3, 8, 8)),
}


@pytest.mark.parametrize("build", SOUND.values(), ids=SOUND)
def test_sound_models_pass(build, tmp_path):
    torch.jit.save(build(), tmp_path / "m.pt")
    check_script(tmp_path / "m.pt", name="m.pt")
    load_script(tmp_path / "m.pt")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("print(x)", id="print"),
        pytest.param("y = torch.add(torch.randn([2]), torch.manual_seed(3))", id="random numbers"),
        pytest.param('y = "torch.save(x)"', id="an operator in a text"),
        pytest.param("y = x  # torch.save(x)", id="an operator in a comment"),
        pytest.param("y = [1, 2, 3][-1]", id="a list"),
    ],
)
def test_lines_that_only_compute_pass(line, tmp_path):
    check_script(script_with_body(tmp_path / "m.pt", line, "return x"), name="m.pt")


def test_operators_are_found_with_the_line_of_each():
    source = (
        'def f(x: Tensor) -> Tensor:\n  y = torch.add(x, 1) # torch.save(x)\n  return ops.prim.device("ops.a.b(")\n'
    )
    found = [(use.operator, use.where) for use in operators_in_source(source, "code/a.py")]
    assert found == [("aten::add", "code/a.py, line 2"), ("prim::device", "code/a.py, line 3")]


class Reader(nn.Module):
    def forward(self, x: torch.Tensor):
        return x + torch.from_file("/etc/passwd", shared=False, size=4, dtype=torch.uint8).sum()


class Writer(nn.Module):
    def forward(self, x: torch.Tensor):
        torch.save(x, "/tmp/written")
        return x


@pytest.mark.parametrize(
    ("module", "told"),
    [pytest.param(Reader, "aten::from_file", id="reads"), pytest.param(Writer, "aten::save", id="writes")],
)
def test_files_are_neither_read_nor_written(module, told, tmp_path):
    torch.jit.save(torch.jit.script(module()), tmp_path / "m.pt")
    with pytest.raises(CheckpointRejected, match=rf"m\.pt calls {told} \(code/.*\.py, line \d+\)"):
        check_script(tmp_path / "m.pt", name="m.pt")


DISGUISES = {
    "plain": ["torch.save(x, {file})", "return x"],
    "with blanks": ["torch . save (x, {file})", "return x"],
    "by its full name": ["ops.aten.save(x, {file})", "return x"],
    "another name for torch": ["t = torch", "t.save(x, {file})", "return x"],
    "another name for ops": ["o = ops", "o.aten.save(x, {file})", "return x"],
    "another name for a namespace": ["o = ops.aten", "o.save(x, {file})", "return x"],
    "another name for the operator": ["f = torch.save", "f(x, {file})", "return x"],
    "torch in parentheses": ["(torch).save(x, {file})", "return x"],
    "torch.autograd": ["torch.autograd.save(x, {file})", "return x"],
    "an attribute of torch": ['getattr(torch, "save")(x, {file})', "return x"],
    "a continued line": ["torch\\", ".save(x, {file})", "return x"],
    "behind a text": ['y = "#"; torch.save(x, {file})', "return x"],
    "a thread": ["def f():", "  torch.save(x, {file})", "  return x", "return torch.wait(fork(f))"],
    "a branch": ["if torch.gt(1, 0):", "  torch.save(x, {file})", "return x"],
}


@pytest.mark.parametrize("lines", DISGUISES.values(), ids=DISGUISES)
def test_a_call_cannot_be_hidden(lines, tmp_path):
    """Whatever torch takes for a call of the operator is refused; where torch runs it, the file is there."""
    target = tmp_path / "written"
    path = script_with_body(tmp_path / "m.pt", *(line.format(file=f'"{target}"') for line in lines))
    with pytest.raises(CheckpointRejected, match=r"aten::save|Code that cannot be checked is not run"):
        check_script(path, name="m.pt")


@pytest.mark.parametrize("name", [name for name in DISGUISES if name != "behind a text"])
def test_the_disguises_are_real(name, tmp_path):
    target = tmp_path / "written"
    lines = [line.format(file=f'"{target}"') for line in DISGUISES[name]]
    module = torch.jit.load(script_with_body(tmp_path / "m.pt", *lines))
    module(torch.ones(2))
    assert target.exists()


@pytest.mark.parametrize("name", ["plain", "another name for torch", "a thread", "a branch"])
def test_the_graph_is_checked_as_torch_has_read_it(name, tmp_path):
    """What reading the text would have missed is found before anything is asked."""
    lines = [line.format(file='"/tmp/written"') for line in DISGUISES[name]]
    with pytest.raises(CheckpointRejected, match=r"m\.pt calls aten::save \(in the graph of forward\)"):
        load_script(script_with_body(tmp_path / "m.pt", *lines))


METHODS = {
    "plain": "x.set_data(x)",
    "as a value": "f = x.set_data",
    "by its name": 'getattr(x, "set_data")(x)',
    "by an escaped name": 'getattr(x, "\\163et_data")(x)',
    "by its name in parentheses": 'getattr(x, ("set_data"))(x)',
    "by a name in two texts": 'getattr(x, "set" "_data")(x)',
}


@pytest.mark.parametrize("line", METHODS.values(), ids=METHODS)
def test_a_method_that_calls_a_refused_operator_cannot_be_hidden(line, tmp_path):
    path = script_with_body(tmp_path / "m.pt", line, "return x")
    with pytest.raises(CheckpointRejected, match=r"aten::set_data|Code that cannot be checked is not run"):
        check_script(path, name="m.pt")


class Saver(nn.Module):
    """Has attributes and methods that are called as operators are."""

    def __init__(self):
        super().__init__()
        self.from_file = nn.Linear(2, 2)

    def save(self, x: torch.Tensor):
        return self.from_file(x)

    def forward(self, x: torch.Tensor):
        return self.save(x)


def test_a_models_own_methods_may_be_called_as_operators_are(tmp_path):
    torch.jit.save(torch.jit.script(Saver()), tmp_path / "m.pt")
    check_script(tmp_path / "m.pt", name="m.pt")
    load_script(tmp_path / "m.pt")


def test_a_file_that_runs_code_when_it_is_loaded_is_refused_before(tmp_path):
    target = tmp_path / "written"
    path = script_that_restores(tmp_path / "m.pt", f'torch.save(torch.ones([1]), "{target}")')
    with pytest.raises(CheckpointRejected, match="aten::save"):
        check_script(path, name="m.pt")
    assert not target.exists()
    torch.jit.load(path)
    assert target.exists()  # torch has run it


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("y = ops.torchvision.nms(x, x, 0.5)", "torchvision::nms"),
        ("y = ops._torch_ipex.linear(x)", "_torch_ipex::linear"),
        ('y = ops.c10d.barrier(x, "0")', "c10d::barrier"),
        ("y = ops.prim.rpc_sync(x)", "prim::rpc_sync"),
        ("y = __torch__.torch.classes.my_library.Tree(x)", "torch.classes.my_library.Tree"),
        ("y = annotate(__torch__.torch.classes.c10d.Work, x)", "torch.classes.c10d.Work"),
        ("y = torch.no_such_thing(x)", "aten::no_such_thing"),
    ],
)  # fmt: skip
def test_operators_that_are_not_on_the_list_are_refused_by_name(line, told, tmp_path):
    path = script_with_body(tmp_path / "m.pt", line, "return x")
    with pytest.raises(CheckpointRejected) as caught:
        check_script(path, name="m.pt")
    assert str(caught.value).startswith(f"m.pt calls {told} (code/")


STRANGE = {
    "the root as a value": "y = __torch__",
    "the classes of torch as a value": "y = __torch__.torch",
    "the C++ classes as a value": "y = __torch__.torch.classes",
    "a type comment": "# type: (Tensor) -> Tensor",
    "a tab": "\ty = x",
    "a carriage return": "y = x\r",
    "a letter beyond ASCII": "y = x; é = x",
    "a long text": 'y = """x"""',
    "an escape that torch does not write": 'y = "\\x41"',
    "a number that runs into a name": "y = 1.torch.save(x)",
}


@pytest.mark.parametrize("line", STRANGE.values(), ids=STRANGE)
def test_code_that_torch_does_not_write_is_refused(line, tmp_path):
    path = script_with_body(tmp_path / "m.pt", line, "return x")
    with pytest.raises(CheckpointRejected, match=r"code/.*\.py, line \d+: .* Code that cannot be checked is not run"):
        check_script(path, name="m.pt")


def test_a_class_of_a_module_that_is_no_file_is_told_so(tmp_path):
    path = tmp_path / "m.pt"
    names: dict = {"__name__": "<run_path>"}
    exec("import torch\nclass Net(torch.nn.Module):\n  def forward(self, x):\n    return x + 1\n", names)  # noqa: S102
    torch.jit.save(torch.jit.trace(names["Net"](), torch.ones(2)), path)
    with pytest.raises(CheckpointRejected, match="named after a module that is no file"):
        check_script(path, name="m.pt")
    assert zipfile.is_zipfile(path)
