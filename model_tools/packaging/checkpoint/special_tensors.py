"""Refuses tensors that TorchScript cannot hold: sparse and nested ones, and those without values. Runs in a child."""

from collections.abc import Iterator
from itertools import chain

import torch

from model_tools.errors import TraceFailed

_SPARSE = {
    torch.sparse_coo: "sparse (COO)", torch.sparse_csr: "sparse (CSR)", torch.sparse_csc: "sparse (CSC)",
    torch.sparse_bsr: "sparse (BSR)", torch.sparse_bsc: "sparse (BSC)",
}  # fmt: skip
"""The layouts of sparse tensors, as messages call them."""


def refuse_special_tensors(model: torch.nn.Module) -> None:
    """Raise TraceFailed if a parameter, a buffer or another attribute of a model is a tensor that cannot be traced."""
    for name, tensor in named_tensors(model):
        if told := _special(tensor):
            kind, remedy = told
            advice = remedy.format(name=name.rpartition(".")[2])
            raise TraceFailed(f"The architecture's {name} is {kind}. {advice}; then publish again.")


def named_tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield a model's parameters, buffers and tensors in attributes, in lists and dicts as well, with their names."""
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        own = chain(module._parameters.items(), module._buffers.items(), vars(module).items())  # noqa: SLF001 (torch's public iterators leave out duplicates)
        for name, value in own:
            if not name.startswith("_"):
                yield from _tensors_in(f"{prefix}{name}", value)


def _tensors_in(name: str, value: object) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _tensors_in(f"{name}[{index}]", entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _tensors_in(f"{name}[{key!r}]", entry)


def _special(tensor: torch.Tensor) -> tuple[str, str] | None:
    """Return what is special about a tensor, and the remedy with gaps for its name; None for a plain one."""
    if tensor.layout in _SPARSE:
        return _SPARSE[tensor.layout], (
            "TorchScript cannot save it. Keep it dense where the architecture makes it ({name}.to_dense()), and "
            "multiply by it with torch.matmul instead of torch.sparse.mm"
        )
    if tensor.is_nested:
        return "a nested tensor", (
            "TorchScript cannot save it. Pad it to one dense tensor (torch.nested.to_padded_tensor) and keep a mask"
        )
    if tensor.is_meta:
        return "on the device 'meta', so it has no values", (
            "Build the architecture on the processor, without torch.device('meta') or init_empty_weights, and save "
            "every tensor that the model needs in the checkpoint"
        )
    if tensor.layout != torch.strided:
        return f"of the layout {tensor.layout}", "TorchScript cannot save it. Keep it dense ({name}.to_dense())"
    return None
