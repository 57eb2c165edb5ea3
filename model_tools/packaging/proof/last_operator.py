"""Finds the operator that computes a traced model's first output, which tells a sigmoid's values from others."""

import torch

FORMING = frozenset({
    "aten::view", "aten::reshape", "aten::squeeze", "aten::unsqueeze", "aten::flatten", "aten::select", "aten::slice",
    "aten::permute", "aten::transpose", "aten::t", "aten::expand", "aten::to", "aten::type_as", "aten::contiguous",
    "aten::clone", "aten::detach", "aten::alias", "aten::clamp",
    "aten::clamp_min", "aten::clamp_max", "prim::TupleConstruct", "prim::ListConstruct",
})  # fmt: skip
"""Operators that give values another form, type, place or bounds, and keep the values otherwise."""
MAX_STEPS = 100
"""The walk stops after this many operators."""


def last_operator(model: torch.jit.ScriptModule) -> str:
    """Return the name of the operator, such as `sigmoid`; an empty text if it is not found."""
    graph = model.inlined_graph  # its nodes live no longer than the graph
    value = next(iter(graph.outputs()))
    for _ in range(MAX_STEPS):
        node = value.node()
        kind = node.kind()
        inputs = list(node.inputs())
        if kind == "prim::DictConstruct" and len(inputs) > 1:
            value = inputs[1]  # keys and values take turns
        elif kind in FORMING and inputs:
            value = inputs[0]
        else:
            return kind.removeprefix("aten::").rstrip("_") if kind.startswith("aten::") else ""
    return ""
