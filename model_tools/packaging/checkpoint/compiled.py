"""Loads checkpoints that bring their own graph, TorchScript and `.pt2`. This code runs in a child process."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import torch

from model_tools.errors import CheckpointRejected


def load_script(path: Path) -> torch.jit.ScriptModule:
    """Return a TorchScript model in eval mode. Raises CheckpointRejected."""
    with _damage_explained(path, "torch.jit.save"):
        module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    if getattr(module, "training", None) is not None:
        module.eval()
    return module  # type: ignore[no-any-return]


def load_program(path: Path) -> torch.export.ExportedProgram:
    """Return the program of a `.pt2` file. Raises CheckpointRejected, also for pickled objects in the file.

    torch.export.load falls back on unpickling anything. The child's environment (TORCH_FORCE_WEIGHTS_ONLY_LOAD) and
    `_no_pickles` keep it from doing so.
    """
    with _damage_explained(path, "torch.export.save"), _no_pickles():
        return torch.export.load(path)


def traceable_program(program: torch.export.ExportedProgram) -> torch.nn.Module:
    """Return a program's module in a form whose dynamic sizes torch.jit.trace records.

    Exported operations take sizes as plain integers, which a trace would bake in. The methods of the same names that
    Python code calls (`x.size(0)`, `x.view(n, -1)`) make the trace record the sizes. The module does not check its
    inputs: the tracer cannot follow the checks, and the reference, which is not traced, has them.
    """
    module = program.module(check_guards=False)
    module._forward_pre_hooks.clear()  # noqa: SLF001 (only those who registered the hooks have handles to remove them)
    module._forward_pre_hooks_with_kwargs.clear()  # noqa: SLF001
    for node in module.graph.nodes:
        if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001 (it has no public name)
            continue
        name = node.target._schema.name.partition("::")[2]  # noqa: SLF001 (there is no public schema)
        if name == "sym_size":
            node.op, node.target = "call_method", "size"
        elif all(isinstance(used.meta.get("val"), torch.Tensor) for used in node.all_input_nodes):
            continue
        elif node.args and isinstance(node.args[0], torch.fx.Node) and hasattr(torch.Tensor, name):
            node.op, node.target = "call_method", name
        else:
            node.target = getattr(torch, name, node.target)
    module.recompile()
    return module


@contextmanager
def _no_pickles() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise pickle.UnpicklingError("it holds pickled objects, which could run code")

    loads, pickle.loads = pickle.loads, refuse
    try:
        yield
    finally:
        pickle.loads = loads


@contextmanager
def _damage_explained(path: Path, saver: str) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        # torch raises errors of nearly any class for a file that it cannot read.
        reason = " ".join(str(error).split())[:400]
        raise CheckpointRejected(
            f"{path.name} cannot be loaded ({type(error).__name__}: {reason}): save it again with {saver}, with the "
            f"torch {torch.__version__.partition('+')[0]} that serves it or an older one."
        ) from error
