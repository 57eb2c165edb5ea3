"""The members of PyTorch's zips, and the programs in `.pt2` files, before torch sees them."""

import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.checkpoint_file import examine_checkpoint
from model_tools.packaging.checkpoint.compiled import load_program
from model_tools.packaging.checkpoint.compiled_file import check_program, check_script
from model_tools.packaging.limits import Limits
from tests.support.packaging.compiled_models import IMAGES, Recurrent, rewrite


def weights(path):
    torch.save({"a": torch.ones(3)}, path)
    return path


def script(path):
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path, _extra_files={"notes.txt": "trained in June"})
    return path


def program(path):
    torch.export.save(torch.export.export(nn.Linear(4, 3), (torch.ones(1, 4),)), path, extra_files={"notes": "June"})
    return path


def check(path):
    if path.suffix == ".pt2":
        check_program(path, name=path.name)
    elif path.name == "script.pt":
        check_script(path, name=path.name)
    else:
        examine_checkpoint(path, limits=Limits())


WRITERS = {"weights.pt": weights, "script.pt": script, "program.pt2": program}


@pytest.mark.parametrize("name", WRITERS)
def test_what_torch_writes_passes(name, tmp_path):
    check(WRITERS[name](tmp_path / name))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("extra", "told"),
    [
        pytest.param("data/extra.pkl", "which torch does not write there", id="in a wrong place"),
        pytest.param("run.sh", "which torch does not write there", id="of another kind"),
        pytest.param("BYTEORDER", "which torch takes for the same", id="the same in capitals"),
    ],
)
def test_a_member_that_does_not_belong_there_is_refused(name, extra, told, tmp_path):
    path = rewrite(WRITERS[name](tmp_path / name), lambda _, contents: contents, {extra: b""})
    with pytest.raises(CheckpointRejected, match=told):
        check(path)


@pytest.mark.parametrize("name", WRITERS)
def test_a_second_folder_is_refused(name, tmp_path):
    path = WRITERS[name](tmp_path / name)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/byteorder", b"little")
    with pytest.raises(CheckpointRejected, match="members in two folders"):
        check(path)


@pytest.mark.parametrize("name", WRITERS)
def test_bytes_around_the_members_are_refused(name, tmp_path):
    path = WRITERS[name](tmp_path / name)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"written in June"
    with pytest.raises(CheckpointRejected, match="bytes before its first member or behind its directory"):
        check(path)


class Shapes(nn.Module):
    """Computes with the sizes of its inputs in many ways."""

    def __init__(self):
        super().__init__()
        self.register_buffer("turned", torch.arange(12.0).reshape(3, 4).t())
        self.constant = torch.ones(2)[:1]
        self.one = nn.Linear(4, 4)
        self.other = nn.Linear(4, 4)
        self.other.weight = self.one.weight

    def forward(self, x: torch.Tensor, y: torch.Tensor):
        size = x.size(1)
        mask = torch.arange(size)[None] < size // 2
        pairs = torch.einsum("bi,bj->bij", x, x).reshape(x.shape[0], -1)
        tied = self.other(self.one(self.turned.t()))[:, :2] + self.constant
        most = max(size, y.size(1)) - min(size, 3) + size % 3
        grown = nn.functional.interpolate(y[:, None, None], scale_factor=1.5, mode="bilinear")
        return {"a": x.masked_fill(~mask, -1e9).softmax(-1) * most, "b": (pairs, tied)}, grown, x.new_ones(size * 2 - 1)


class Branch(nn.Module):
    def forward(self, x: torch.Tensor):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


class Items(nn.Module):
    def forward(self, x: torch.Tensor, index: torch.Tensor):
        first = index.item()
        torch._check(first >= 0)
        torch._check(first < x.shape[0])
        return x[:first].sum() + torch.nonzero(x).shape[0] + x.sum().item() * 2


class Keywords(nn.Module):
    def forward(self, *arguments: torch.Tensor, **named: torch.Tensor):
        with torch.no_grad():
            return arguments[0] + named["y"] * 2


BATCH = Dim("batch", min=1, max=64)
AUTO = {0: Dim.AUTO, 1: Dim.AUTO}
SOUND = {
    "images": (IMAGES, (torch.ones(2, 3, 8, 8),), {"dynamic_shapes": ({0: BATCH},)}),
    "recurrent": (Recurrent(), (torch.ones(2, 5, 4),), {"dynamic_shapes": ({1: BATCH},)}),
    "transformer": (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (torch.ones(2, 5, 8),), {"dynamic_shapes": (AUTO,)}
    ),
    "shapes": (Shapes(), (torch.ones(2, 6), torch.ones(2, 8)), {"dynamic_shapes": (AUTO, AUTO)}),
    "branch": (Branch(), (torch.ones(3, 4),), {"dynamic_shapes": ({0: BATCH},)}),
    "items": (Items(), (torch.ones(5), torch.tensor(2)), {"dynamic_shapes": ({0: BATCH}, None)}),
    "keywords": (Keywords(), (torch.ones(3, 4),), {"kwargs": {"y": torch.ones(4)}}),
}  # fmt: skip


def exported(name: str):
    module, arguments, options = SOUND[name]
    return torch.export.export(module.eval(), arguments, **options)


@pytest.mark.parametrize("name", SOUND)
def test_sound_programs_pass(name, tmp_path):
    torch.export.save(exported(name), tmp_path / "m.pt2")
    check_program(tmp_path / "m.pt2", name="m.pt2")
    load_program(tmp_path / "m.pt2")


def test_sound_programs_of_core_operators_pass(tmp_path):
    torch.export.save(exported("images").run_decompositions(), tmp_path / "m.pt2")
    check_program(tmp_path / "m.pt2", name="m.pt2")
    load_program(tmp_path / "m.pt2")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("shapes") / "m.pt2"
    torch.export.save(exported("shapes"), path)
    return path.read_bytes()


@pytest.fixture
def edited(shapes, tmp_path):
    """Return a function that changes a sound program's JSON, and says why the program is refused then."""

    def refusal(edit: Callable[[Any], None], member: str = "models/model.json") -> str:
        path = tmp_path / "m.pt2"
        path.write_bytes(shapes)

        def change(name: str, contents: bytes) -> bytes:
            if name != member:
                return contents
            program = json.loads(contents)
            edit(program)
            return json.dumps(program).encode()

        with pytest.raises(CheckpointRejected) as caught:
            check_program(rewrite(path, change), name="m.pt2")
        return str(caught.value)

    return refusal


def graph(program: Any) -> Any:
    return program["graph_module"]["graph"]


TARGETS = {
    "torch.ops.torchvision.nms.default": "m.pt2 calls torchvision::nms (models/model.json)",
    "torch.ops.aten.from_file.default": "m.pt2 calls aten::from_file",
    "torch.ops.c10d.barrier.default": "m.pt2 calls c10d::barrier",
    "torch.ops.higher_order.triton_kernel_wrapper_functional": "calls higher_order::triton_kernel_wrapper",
    "torch.ops.higher_order.call_torchbind": "calls higher_order::call_torchbind",
    "torch.os.system": "the function 'torch.os.system', which is no operator",
    "torch.hub.load": "the function 'torch.hub.load', which is no operator",
    "_operator.attrgetter": "the function '_operator.attrgetter', which is no operator",
    "math.prod": "the function 'math.prod', which is no operator",
    "builtins.exec": "the function 'builtins.exec', which is no operator",
    "#my_extension:run": "the function '#my_extension:run', which is no operator",
}


@pytest.mark.parametrize(
    ("target", "told"), TARGETS.items(), ids=[target.strip("#_").replace(":", " ") for target in TARGETS]
)
def test_a_program_may_call_operators_of_the_list_alone(target, told, edited):
    def as_target(program: Any) -> None:
        graph(program)["nodes"][0]["target"] = target

    def as_argument(program: Any) -> None:
        graph(program)["nodes"][0]["inputs"][0]["arg"] = {"as_operator": target}

    assert told in edited(as_target)
    assert told in edited(as_argument)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "exec('1')",
        "().__class__.__bases__",
        "[x for x in (1, 2)]",
        "(lambda: 1)()",
        "sympify('1')",
        "lambdify('x', '1')",
        "L['x'].tofile('/tmp/x')",
        "L['x'].size.__func__()",
        "open('/etc/passwd')",
        "f\"{exec('1')}\"",
        "1 == (y := 2)",
    ],
)
def test_expressions_that_do_more_than_to_compute_are_refused(expression, edited):
    def as_guard(program: Any) -> None:
        program["guards_code"].append(expression)

    def as_size(program: Any) -> None:
        values = graph(program)["sym_int_values"].values()
        next(value for value in values if "as_expr" in value)["as_expr"]["expr_str"] = expression

    told = f"models/model.json holds the expression {expression!r}. torch.export.save does not write that"
    assert told in edited(as_guard)
    assert told in edited(as_size)


def test_names_that_would_stand_in_python_code_are_names(edited):
    def edit(program: Any) -> None:
        graph(program)["inputs"][0]["as_tensor"]["name"] = "x): pass\nimport os #"

    assert "holds the name 'x): pass" in edited(edit)


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(
            {"default_factory_module": "os", "default_factory_name": "getcwd", "dict_context": []}, id="default factory"
        ),
        pytest.param({"__enum__": True, "fqn": "antigravity:X", "name": "Y"}, id="enumeration"),
    ],
)
def test_descriptions_of_outputs_import_nothing(context, edited):
    spec = [1, {"type": "collections.defaultdict", "context": json.dumps(context), "children_spec": []}]

    def edit(program: Any) -> None:
        program["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = json.dumps(spec)

    assert "a Python class that would be imported" in edited(edit)


def test_constants_that_are_no_tensors_are_refused(edited):
    def edit(config: Any) -> None:
        config["config"]["constant"]["path_name"] = "custom_obj_0"

    message = edited(edit, "data/constants/model_constants_config.json")
    assert "holds the constant 'constant', which is no tensor" in message


def test_a_second_program_is_refused(tmp_path):
    path = program(tmp_path / "m.pt2")
    rewrite(path, lambda _, contents: contents, {"models/other.json": b"{}"})
    with pytest.raises(CheckpointRejected, match=r"models/other\.json', which torch does not write there"):
        check_program(path, name="m.pt2")


def test_a_damaged_program_is_told_so(tmp_path):
    path = rewrite(program(tmp_path / "m.pt2"), lambda name, text: b"{" if name == "models/model.json" else text)
    with pytest.raises(CheckpointRejected, match=r"is damaged \(models/model\.json cannot be read\)"):
        check_program(path, name="m.pt2")
