"""Decides which operators a compiled file may call: those of torch that compute on a processor, and no others.

The lists are in `operator_lists`. What is not on them is refused by name, with the reason.
"""

from dataclasses import dataclass

from model_tools.packaging.checkpoint.operator_lists import ALLOWED, REFUSED

TORCH_NAMESPACES = frozenset({
    "_c10d_functional", "_c10d_functional_autograd", "_dtensor", "_native", "_test", "aoti", "c10d", "cuda", "cudnn",
    "debugprims", "dist_rpc", "export", "higher_order", "inductor", "inductor_prims", "mtia", "nnapi", "onnx",
    "prims", "profiler", "profiling", "quantized_decomposed", "rngprims", "rpc", "static_runtime",
    "streams", "symm_mem", "triton",
})  # fmt: skip
"""Namespaces of torch's own that are not served: they talk to other processes or devices, or need torch's compiler."""
MOBILE_NAMESPACES = frozenset({"metal", "metal_prepack", "prepacked", "vulkan", "vulkan_prepack", "xnnpack"})
"""Namespaces of the operators that torch.utils.mobile_optimizer puts in the place of others."""
CLASS_NAMESPACES = frozenset({"mkldnn", "quantized", "rnn", "sparse"})
"""The namespaces of `torch.classes` that hold packed weights; others hold processes, files of devices or profilers."""
HIGHER_ORDER = frozenset({
    "associative_scan", "auto_functionalized", "auto_functionalized_v2", "cond", "flex_attention", "hints_wrapper",
    "invoke_subgraph", "map_impl", "out_dtype", "scan", "strict_mode", "tag_activation_checkpoint", "while_loop",
    "wrap", "wrap_activation_checkpoint", "wrap_with_autocast", "wrap_with_set_grad_enabled",
})  # fmt: skip
"""Operators of `torch.ops.higher_order` that an exported program may call; they run parts of the same program."""
CLASSES = "torch.classes."
"""What stands before the name of a class that is written in C++, where it is named like an operator."""

METHODS = frozenset({"set_", "set_data", "_reshape_alias"})
"""Methods of tensors that address memory without checks. Operators that touch files have no tensor as first argument
`self`, so they are no methods; other refused operators are found in the graph, once torch has read it."""

_ALLOWED = {namespace: frozenset(names.split()) for namespace, names in ALLOWED.items()}
_REASONS = {operator: reason for reason, names in REFUSED.items() for operator in names.split()}


@dataclass(frozen=True)
class OperatorUse:
    """A place in a compiled file that calls an operator."""

    operator: str
    """The name with its namespace, as in `aten::relu`; `torch.classes.quantized.…` for a class."""
    where: str
    """The member of the zip and the line or node, as in `code/__torch__.py, line 8`."""
    by_name: bool = False
    """The operator is named like a method or attribute, which may be the model's own of the same name."""


def refused_as_method(name: str) -> bool:
    """Tell whether a tensor's method of this name calls an operator that could do harm while the file is loaded."""
    return name in METHODS


def computes_nothing(kind: str) -> bool:
    """Tell whether a node of a graph is a branch, a loop, a tuple or the like, and not a call of an operator."""
    return kind.startswith("prim::") and kind not in _REASONS


def refuse_operators(file: str, uses: list[OperatorUse]) -> str:
    """Return why a file is refused because of its operators, an empty string if it is not."""
    for use in uses:
        if problem := _problem(use.operator):
            own = use.operator.rpartition(":")[2]
            rename = f" If {own} is an attribute or method of the model itself, rename it." if use.by_name else ""
            return f"{file} calls {use.operator} ({use.where}). {problem}{rename}"
    return ""


def _problem(operator: str) -> str:
    """Return why an operator is refused and what to do about it, an empty string if it is allowed."""
    if operator.startswith(CLASSES):
        namespace = operator.removeprefix(CLASSES).partition(".")[0]
        return "" if namespace in CLASS_NAMESPACES else _foreign(namespace, operator.rpartition(".")[2])
    namespace, _, name = operator.partition("::")
    if namespace == "higher_order" and name in HIGHER_ORDER:
        return ""
    if name in _ALLOWED.get(namespace, ()):
        return ""
    if reason := _REASONS.get(operator):
        return (
            f"This operator is not served, since {reason}; a compiled model may only compute. Leave it out of the "
            "model's code, and compile and save the model again."
        )
    if namespace in _ALLOWED:
        return (
            "The torch that serves the model has no operator of this name: leave it out, or write it with operators "
            "that this torch has."
        )
    return _foreign(namespace, name)


def _foreign(namespace: str, name: str) -> str:
    if namespace in MOBILE_NAMESPACES:
        return (
            "It was optimised for phones, whose operators are not served: save the model without "
            "torch.utils.mobile_optimizer."
        )
    if namespace in TORCH_NAMESPACES:
        return (
            f"The operators of torch's {namespace} are not served, since they talk to other processes and devices or "
            f"need torch's compiler: leave {name} out of the model's code, or write it with torch's tensor operators."
        )
    library = "torchvision" if namespace == "torchvision" else f"the library that defines {namespace}"
    return (
        f"The runtime bundle has torch alone, not {library}, so the operators of {namespace} are not served: leave "
        f"{name} out of the model's code, or write it with torch's own operators."
    )
