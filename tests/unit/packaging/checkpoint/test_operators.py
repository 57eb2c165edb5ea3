"""The lists of operators that compiled files may call, and what is said of the others."""

import pytest

from model_tools.packaging.checkpoint import operator_lists
from model_tools.packaging.checkpoint.operators import OperatorUse, refuse_operators
from tests.support.packaging.list_operators import sorted_operators


def said_of(operator: str) -> str:
    return refuse_operators(
        "model.pt", [OperatorUse("aten::relu", "line 1"), OperatorUse(operator, "code/a.py, line 8")]
    )


ALLOWED = {f"{space}::{name}" for space, names in operator_lists.ALLOWED.items() for name in names.split()}
REFUSED = {name: reason for reason, names in operator_lists.REFUSED.items() for name in names.split()}


def test_every_operator_of_this_torch_is_on_the_list_of_the_rule():
    """A build for another processor may have fewer operators than the lists, and none that they lack."""
    allowed, refused = sorted_operators()
    missing = {f"{space}::{name}" for space, names in allowed.items() for name in names} - ALLOWED
    assert not missing, "review them, and run python -m tests.support.packaging.list_operators"
    assert {name: reason for reason, names in refused.items() for name in names}.items() <= REFUSED.items()


def test_no_operator_is_on_both_lists():
    assert not ALLOWED & REFUSED.keys()


@pytest.mark.parametrize(
    "operator",
    [
        "aten::einsum", "aten::scaled_dot_product_attention", "aten::format", "aten::sort", "aten::randn", "aten::warn",
        "aten::_grouped_mm", "prim::Print", "prim::RaiseException", "prim::device", "quantized::linear_dynamic",
        "sparse::qlinear", "higher_order::cond", "torch.classes.quantized.LinearPackedParamsBase",
    ],
)  # fmt: skip
def test_computations_are_allowed(operator):
    assert said_of(operator) == ""


SAID = {
    "aten::from_file": "since it reads or writes files; a compiled model may only compute",
    "aten::save": "since it reads or writes files",
    "prim::rpc_sync": "since it calls other processes",
    "prim::PythonOp": "since it calls Python",
    "prim::TimePoint": "since it reads the clock",
    "aten::cudnn_convolution": "since it needs a GPU",
    "aten::set_": "since it addresses memory without checks",
    "aten::_test_warn_in_autograd": "since it exists for torch's own tests",
    "aten::not_there": "has no operator of this name",
    "c10d::allreduce_": "operators of torch's c10d are not served, since they talk to other processes",
    "torchvision::nms": "has torch alone, not torchvision, so the operators of torchvision are not served:",
    "torchaudio::rnnt_loss": "not the library that defines torchaudio",
    "higher_order::triton_kernel_wrapper_mutation": "operators of torch's higher_order are not served",
    "prepacked::conv2d_clamp_run": "was optimised for phones",
    "torch.classes.xnnpack.LinearOpContext": "was optimised for phones",
    "torch.classes.dist_rpc.WorkerInfo": "operators of torch's dist_rpc are not served",
    "torch.classes.my_library.Tree": "not the library that defines my_library",
}


@pytest.mark.parametrize(("operator", "told"), SAID.items(), ids=[name.strip("_").replace("::", " ") for name in SAID])
def test_others_are_refused_by_name_with_the_reason(operator, told):
    message = said_of(operator)
    assert message.startswith(f"model.pt calls {operator} (code/a.py, line 8). ")
    assert told in message
    assert "save it again" not in message
