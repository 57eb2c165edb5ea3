"""Loads checkpoints that bring their own graph, TorchScript and `.pt2`. This code runs in a child process."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.operators import OperatorUse, computes_nothing, refuse_operators
from model_tools.packaging.checkpoint.training_mode import UNKNOWN, in_training_mode


def load_script(path: Path) -> torch.jit.ScriptModule:
    """Return a TorchScript model in eval mode, whose file was checked before (`check_script`).

    The operators of its graph are checked once more, as torch has read them, before anything of it is run. Raises
    CheckpointRejected.
    """
    with _damage_explained(path, "torch.jit.save"):
        module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    if getattr(module, "training", None) is not None:
        module.eval()
    if hasattr(module, "forward"):
        kinds = {node.kind(): None for node in _nodes(module.inlined_graph)}
        uses = [OperatorUse(kind, "in the graph of forward") for kind in kinds if not computes_nothing(kind)]
        if problem := refuse_operators(path.name, uses):
            raise CheckpointRejected(problem)
    return module  # type: ignore[no-any-return]


def load_trained_script(path: Path) -> torch.jit.ScriptModule:
    """Return a TorchScript checkpoint in eval mode. Raises CheckpointRejected, also for one traced in training mode.

    `eval()` changes a scripted model, which reads `self.training`, and not a traced one, which has recorded it. What
    stands in a branch is passed over: a traced model has none, and a scripted one may never take it in eval mode.
    """
    module = load_script(path)
    graph = module.inlined_graph if hasattr(module, "forward") else None
    for node in () if graph is None else graph.nodes():
        if in_training_mode(node.kind().partition("::")[2], _arguments(node)):
            raise CheckpointRejected(
                f"{path.name} was traced in training mode: {node.kind()} computes in it as in training, and that "
                "cannot be changed afterwards. Call model.eval() before torch.jit.trace, write training=self.training "
                "where forward says training=True, and save the model again."
            )
    return module


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


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield a graph's nodes, also those in branches, loops and parts that run beside (torch.jit.fork)."""
    for node in graph.nodes():
        if node.kind() != "prim::Constant":
            yield node
        for block in node.blocks():
            yield from _nodes(block)
        if node.hasAttribute("Subgraph"):
            yield from _nodes(node.g("Subgraph"))


def _arguments(node: Any) -> dict[str, Any]:
    """Return the constants among a node's arguments by their names, and UNKNOWN for the others."""
    signature = node.schema().partition("(")[2].rpartition(") ->")[0]
    words = [word for word in signature.split(", ") if word != "*"]
    names = [word.partition("=")[0].rpartition(" ")[2] for word in words]
    values = [each.toIValue() if each.node().kind() == "prim::Constant" else UNKNOWN for each in node.inputs()]
    return dict(zip(names, values, strict=False))  # for the first ones only, where an operator has no schema


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
