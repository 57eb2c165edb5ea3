"""Saves traced models, and refuses those that call Python."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from model_tools.errors import TraceFailed
from model_tools.packaging.children.faults import error_text

PYTHON_CALL = "prim::PythonOp"
"""The kind of a node that calls a Python function, which TorchScript cannot save."""


def save_traced(module: torch.jit.ScriptModule, path: Path) -> None:
    """Save a traced model as TorchScript. Raises TraceFailed, which names what cannot be saved or served."""
    _refuse_python_calls(module)
    try:
        with warnings.catch_warnings(action="ignore"):  # the user's code may have turned warnings into errors
            torch.jit.save(module, path)
    except RuntimeError as error:
        raise TraceFailed(
            f"The traced model cannot be saved as TorchScript ({error_text(error)}): write what is named there with "
            "torch's own operations on dense tensors, or try optimize: {freeze: false}."
        ) from error


def _refuse_python_calls(module: torch.jit.ScriptModule) -> None:
    """Raise TraceFailed, which names it, if a traced model calls a Python function."""
    for node in _nodes(module.inlined_graph):
        if node.kind() == PYTHON_CALL:
            raise TraceFailed(
                f"The traced model calls the Python function {node.pyname()}, which TorchScript cannot save: write "
                "what it computes in the model's forward with torch's own operations, without @torch.jit.ignore."
            )


def _nodes(block: Any) -> Iterator[Any]:
    """Yield the nodes of a graph and of all blocks inside it."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
