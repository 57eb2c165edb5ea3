"""Models with wrappers of training around them: what is published answers as the trained model, without the wrapper."""

import io
import tarfile
import textwrap
from pathlib import Path

import pytest
import torch

from model_tools.errors import ParityFailed, PublishError, TraceFailed
from tests.support.packaging.model_folders import LINEAR, build, write_model
from tests.support.packaging.packing import package_model

HEAD = """
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential
"""
FUNCTION = """
class Swish(torch.autograd.Function):
    @staticmethod
    def forward({takes}):
        {forward}

    @staticmethod
    def backward(ctx, *gradients):
        return gradients
"""
SETUP_CONTEXT = """
    @staticmethod
    def setup_context(ctx, inputs, output):
        x, factor = inputs
        ctx.factor = factor
        ctx.save_for_backward(x, output)
"""


def net(forward: str, *, before: str = "", parts: str = "") -> str:
    """Return the code of a net with a linear layer, with code before it and more parts."""
    return (
        HEAD
        + textwrap.dedent(before)
        + "\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        + "        self.layer = nn.Linear(4, 2)\n"
        + textwrap.indent(textwrap.dedent(parts).strip(), " " * 8)
        + "\n\n    def forward(self, x):\n"
        + textwrap.indent(textwrap.dedent(forward).strip(), " " * 8)
        + "\n"
    )


def function(forward: str, *, takes: str = "ctx, x", more: str = "") -> str:
    """Return the code of an autograd.Function called Swish."""
    return FUNCTION.format(takes=takes, forward=forward) + more


def traced_model(archive: Path) -> torch.jit.ScriptModule:
    with tarfile.open(archive) as members:
        return torch.jit.load(io.BytesIO(members.extractfile("model.pt").read()))


def answers_alike(code: str, tmp_path: Path, *, weights: object = None) -> None:
    """Publish a model, and hold its answers against those of the code on its own."""
    package = package_model(write_model(tmp_path / "model", code, weights=weights), tmp_path / "package")
    inputs = torch.tensor([[0.5, -1.0, 2.0, 0.1], [3.0, 0.0, -2.0, 1.0], [0.2, 0.2, 0.2, -0.9]])
    eager = build(code)
    if weights is not None:
        eager.load_state_dict(weights)
    with torch.no_grad():
        torch.testing.assert_close(traced_model(package.archive)(inputs), eager(inputs))


def refused(error: type[PublishError], code: str, tmp_path: Path) -> str:
    with pytest.raises(error) as caught:
        package_model(write_model(tmp_path / "model", code, weights=build(LINEAR).state_dict()), tmp_path / "package")
    return str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            net(
                "return Swish.apply(self.layer(x))",
                before=function("ctx.save_for_backward(x); return x * torch.sigmoid(x)"),
            ),
            id="saves for backward",
        ),
        pytest.param(
            net("return swish(self.layer(x))", before=function("return x.clamp(min=0)") + "\nswish = Swish.apply\n"),
            id="bound when imported",
        ),
        pytest.param(
            net(
                "return Swish.apply(self.layer(x), 3.0)",
                before=function("return x * factor", takes="x, factor", more=SETUP_CONTEXT),
            ),
            id="setup context",
        ),
        pytest.param(
            net(
                "return Swish.apply(self.layer(x))",
                before=function("return x * factor", takes="x, factor=0.5", more=SETUP_CONTEXT),
            ),
            id="setup context with a default",
        ),
        pytest.param(
            net(
                "scaled, size, note = Swish.apply(self.layer(x))\nreturn scaled + size if note == 'both' else scaled",
                before=function("ctx.mark_non_differentiable(x); return 2 * x, x.abs(), 'both'"),
            ),
            id="several answers and a text",
        ),
        pytest.param(
            net(
                "y = self.layer(x)\nSwish.apply(y)\nreturn y",
                before=function("ctx.mark_dirty(x); return x.add_(1)"),
            ),
            id="changes its input in place",
        ),
        pytest.param(
            net(
                "y = self.layer(x)\nz = Swish.apply(y)\nz.add_(1)\nreturn y + z",
                before=function("return x"),
            ),
            id="returns its input",
        ),
        pytest.param(
            net(
                "return Swish.apply(self.layer(x), self.layer.weight)",
                before=function("return 2 * x if ctx.needs_input_grad[1] else 3 * x", takes="ctx, x, weight"),
            ),
            id="asks which inputs need gradients",
        ),
        pytest.param(
            net(
                "return Outer.apply(self.layer(x))",
                before=function("return torch.sign(x)") + function("return Swish.apply(x) + 1").replace(
                    "class Swish", "class Outer"
                ),
            ),
            id="one inside another",
        ),
        pytest.param(
            net(
                "return torch.vmap(lambda row: Swish.apply(row, 2.0))(self.layer(x))",
                before=function(
                    "return x * factor", takes="x, factor",
                    more=SETUP_CONTEXT + "\n    @staticmethod\n    def vmap(info, axes, x, factor):\n"
                    "        return Swish.apply(x, factor), 0\n",
                ),
            ),
            id="its own rule for vmap",
        ),
        pytest.param(net("return checkpoint(self.layer, x, use_reentrant=True)"), id="reentrant checkpoint"),
        pytest.param(net("return checkpoint(self.layer, x, use_reentrant=False)"), id="checkpoint"),
        pytest.param(
            net(
                "return checkpoint_sequential(self.steps, 2, x, use_reentrant=True)",
                parts="self.steps = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))",
            ),
            id="reentrant checkpoints in a row",
        ),
        pytest.param(
            net(
                "return scale(self.layer(x))",
                before="""
                @torch.library.custom_op("our_tests::scale", mutates_args=())
                def scale(x: torch.Tensor) -> torch.Tensor:
                    return x * 2
                """,
            ),
            id="operator written in Python",
        ),
        pytest.param(
            net(
                "return self.part(self.layer(x))",
                parts="self.part = torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))",
            ),
            id="scripted part",
        ),
        pytest.param(net("return self.layer(x)", parts="self.compile()"), id="module compiled in place"),
        pytest.param(net("y = self.layer(x)\nreturn y * (y.data > 0).float()"), id="data of a tensor"),
        pytest.param(net("y = self.layer(x)\ny.data.mul_(2)\nreturn y"), id="data changed in place"),
        pytest.param(net("return x @ self.layer.weight.data.t()"), id="data of a weight"),
        pytest.param(
            net("return Swish.apply(self.layer(x))", before=function("return x.data.clone().clamp_(0)")),
            id="data inside a function",
        ),
        pytest.param(
            net(
                "return self.layer(x)",
                parts="self.layer.register_full_backward_hook(lambda *_: None)\n"
                "self.layer.register_full_backward_pre_hook(lambda *_: None)",
            ),
            id="hooks for gradients",
        ),
    ],
)  # fmt: skip
def test_what_tracing_cannot_record_is_replaced_by_what_it_computes(tmp_path, code):
    answers_alike(code, tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("def Net():\n    return torch.compile(Plain())\n", id="the model"),
        pytest.param(
            "def Net():\n    return torch.compile(Plain(), mode='max-autotune', fullgraph=True)\n", id="options"
        ),
        pytest.param(
            "class Net(Plain):\n    @torch.compile\n    def forward(self, x):\n        return self.layer(x).relu()\n",
            id="forward",
        ),
        pytest.param(
            "@torch.compile(dynamic=True)\ndef double(x):\n    return 2 * x\n\n"
            "class Net(Plain):\n    def forward(self, x):\n        return double(self.layer(x)).relu()\n",
            id="a function",
        ),
        pytest.param(
            "class Net(Plain):\n    def __init__(self):\n        super().__init__()\n"
            "        self.layer = torch.compile(self.layer)\n",
            id="a part",
        ),
        pytest.param(
            "import torch._dynamo\n\n@torch._dynamo.optimize('eager')\ndef double(x):\n    return 2 * x\n\n"
            "class Net(Plain):\n    def forward(self, x):\n        return double(self.layer(x)).relu()\n",
            id="a function by its older name",
        ),
        pytest.param(
            "@torch.compiler.disable\ndef double(x):\n    return 2 * x\n\n"
            "class Net(Plain):\n    def forward(self, x):\n        return double(self.layer(x)).relu()\n",
            id="a function that is kept from it",
        ),
    ],
)
def test_an_architecture_is_traced_as_if_it_were_not_compiled(tmp_path, code):
    plain = net("return self.layer(x).relu()").replace("class Net", "class Plain")
    weights = build(LINEAR).state_dict()
    package = package_model(write_model(tmp_path / "model", plain + "\n" + code, weights=weights), tmp_path / "package")

    inputs = torch.tensor([[0.5, -1.0, 2.0, 0.1], [3.0, 0.0, -2.0, 1.0]])
    with torch.no_grad():
        answer = traced_model(package.archive)(inputs)
        expected = torch.nn.functional.linear(inputs, weights["layer.weight"], weights["layer.bias"]).relu()
    torch.testing.assert_close(answer, expected * (2 if "2 * x" in code else 1))


def test_a_function_that_needs_more_of_its_context_is_named_with_the_way_out(tmp_path):
    code = net("return Swish.apply(self.layer(x))", before=function("return x * len(ctx.next_functions or [1])"))
    message = refused(TraceFailed, code, tmp_path)
    assert "The forward of Swish, an autograd.Function, cannot be traced" in message
    assert "net.py, line 8: `return x * len(ctx.next_functions or [1])`" in message
    assert "instead of Swish.apply when not self.training" in message


def test_an_assignment_that_tracing_would_lose_is_named_by_its_line(tmp_path):
    message = refused(TraceFailed, net("y = self.layer(x)\ny.data = y.data + 1\nreturn y"), tmp_path)
    assert "cannot be recorded (net.py, line 13: `y.data = y.data + 1`)" in message
    assert "y = y + 1" in message


def test_a_function_that_decides_by_values_is_refused_as_any_code_is(tmp_path):
    code = net("return Swish.apply(self.layer(x))", before=function("return x if x.sum() > 0 else -x"))
    assert "net.py, line 8: `return x if x.sum() > 0 else -x`" in refused(ParityFailed, code, tmp_path)


def test_an_operator_that_only_this_process_has_is_named(tmp_path):
    code = net(
        "return torch.ops.our_other_tests.scale(self.layer(x))",
        before="""
        library = torch.library.Library("our_other_tests", "DEF")
        library.define("scale(Tensor x) -> Tensor")
        library.impl("scale", lambda x: 2 * x, "CPU")
        """,
    )
    message = refused(TraceFailed, code, tmp_path)
    assert "The traced model calls our_other_tests::scale" in message


def test_a_python_function_that_a_scripted_part_calls_is_named(tmp_path):
    code = net(
        "return self.part(self.layer(x))",
        before="""
        class Part(nn.Module):
            @torch.jit.ignore
            def double(self, x: torch.Tensor) -> torch.Tensor:
                return 2 * x

            def forward(self, x):
                return self.double(x)
        """,
        parts="self.part = torch.jit.script(Part())",
    )
    assert "calls the Python function double, which TorchScript cannot save" in refused(TraceFailed, code, tmp_path)


SPARSE = "torch.eye(2).to_sparse()"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        pytest.param(f"self.adjacency = {SPARSE}", "adjacency is sparse (COO)", id="attribute"),
        pytest.param("self.adjacency = torch.eye(2).to_sparse_csr()", "adjacency is sparse (CSR)", id="rows"),
        pytest.param(f"self.graphs = [{SPARSE}]", "graphs[0] is sparse (COO)", id="list"),
        pytest.param(f"self.graphs = dict(near={SPARSE})", "graphs['near'] is sparse (COO)", id="dict"),
        pytest.param(
            f"self.register_buffer('adjacency', {SPARSE}, persistent=False)", "adjacency is sparse (COO)", id="buffer"
        ),
        pytest.param(
            f"self.inner = nn.Sequential()\nself.inner.graph = {SPARSE}", "inner.graph is sparse (COO)", id="inner part"
        ),
        pytest.param("self.empty = torch.ones(2, device='meta')", "on the device 'meta'", id="without values"),
        pytest.param(
            "self.rows = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])", "rows is a nested tensor",
            id="nested",
        ),
    ],
)  # fmt: skip
def test_a_tensor_that_torchscript_cannot_hold_is_named(tmp_path, parts, told):
    message = refused(TraceFailed, net("return self.layer(x)", parts=parts), tmp_path)
    assert told in message
    assert "exited" not in message


def test_a_sparse_buffer_in_a_checkpoint_is_named_and_the_remedy_works(tmp_path):
    code = net(
        "return torch.sparse.mm(self.adjacency, self.layer(x).t()).t()",
        parts=f"self.register_buffer('adjacency', {SPARSE})",
    )
    weights = build(code).state_dict()
    with pytest.raises(TraceFailed) as caught:
        package_model(write_model(tmp_path / "model", code, weights=weights), tmp_path / "package")
    assert "The architecture's adjacency is sparse (COO). TorchScript cannot save it." in str(caught.value)

    weights["adjacency"] = weights["adjacency"].to_dense()
    dense = code.replace("to_sparse()", "to_sparse().to_dense()").replace("torch.sparse.mm", "torch.matmul")
    answers_alike(dense, tmp_path / "again", weights=weights)
