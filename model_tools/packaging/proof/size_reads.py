"""The numbers that Python read from sizes while a model was traced, as functions of the sizes."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from model_tools.packaging.proof.lineage import SIZES
from model_tools.packaging.proof.user_places import Place


class SizeReads:
    """The numbers that were read at some places, which are measured by a run of the graph, or computed."""

    def __init__(self, places: Sequence[Place], graph: Any, module: Any) -> None:
        """Take a graph that returns a list: an input, and the tensors that were read, one for each place.

        Its inputs are the module, which holds the weights, and those of the model.
        """
        self.places = places
        self._module = module
        self._read = list(next(iter(graph.outputs())).node().inputs())[1:]
        behind = [list(_sizes_behind(value)) for value in self._read]
        self._sizes = list({value.unique(): value for values in behind for value in values}.values())
        numbers = {value.unique(): index for index, value in enumerate(self._sizes)}
        self.behind = [[numbers[value.unique()] for value in values] for values in behind]
        """The sizes inside the network that each number is computed from, by their positions in `measure`."""
        self._computing = [_part_of(graph, value, sizes) for value, sizes in zip(self._read, behind, strict=True)]
        self.needs_tensors = [any(map(_has_axes, _needed_for(value).values())) for value in self._read]
        """Whether each number is computed through tensors that have axes, and not from numbers alone."""
        # Otherwise torch takes the sizes of the traced tensors for those of all.
        torch._C._jit_pass_erase_shape_information(graph)  # noqa: SLF001 (no public name)
        for value in self._sizes:
            graph.registerOutput(value)
        graph.makeMultiOutputIntoTuple()
        self._run = torch._C._create_function_from_graph("sizes_that_are_read", graph)  # noqa: SLF001 (no public name)

    def measure(self, inputs: Sequence[torch.Tensor]) -> tuple[list[Any], list[int]]:
        """Return what would be read for other inputs, and the sizes that it is computed from. Raises RuntimeError."""
        with torch.no_grad():
            (_, *read), *sizes = self._run(self._module, *inputs)
        return [tensor.tolist() for tensor in read], sizes

    def compute(self, number: int, sizes: Sequence[int]) -> Any:
        """Return a number as it would be read if the sizes `behind` it were these. Raises RuntimeError."""
        with torch.no_grad():
            return self._computing[number](self._module, *sizes).tolist()


def _sizes_behind(read: Any) -> Iterator[Any]:
    """Yield the values in the graph that are sizes of tensors, and that a value is computed from."""
    return (value for value in _needed_for(read).values() if value.node().kind() in SIZES)


def _needed_for(read: Any) -> dict[int, Any]:
    """Return the values in the graph that a value is computed from, up to the sizes of tensors."""
    waiting, needed = [read], {}
    while waiting:
        value = waiting.pop()
        if value.unique() not in needed:
            needed[value.unique()] = value
            waiting += [] if value.node().kind() in SIZES else value.node().inputs()
    return needed


def _has_axes(value: Any) -> bool:
    return value.isCompleteTensor() and len(value.type().sizes()) > 0


def _part_of(graph: Any, read: Any, sizes: Sequence[Any]) -> Any:
    """Return a function of the module and of sizes that computes a value as the graph does."""
    part = torch._C.Graph()  # noqa: SLF001 (no public name)
    needed = _needed_for(read)
    copied: dict[int, Any] = {}

    def copy_of(value: Any) -> Any:
        return copied[value.unique()]

    for value in (next(iter(graph.inputs())), *sizes):
        copied[value.unique()] = part.addInput()
        copied[value.unique()].setType(value.type())
    for node in graph.nodes():
        outputs = list(node.outputs())
        if any(value.unique() in needed and value.unique() not in copied for value in outputs):
            clone = part.insertNode(part.createClone(node, copy_of))  # type: ignore[attr-defined]  # torch's stub lacks it
            copied |= {value.unique(): copy for value, copy in zip(outputs, clone.outputs(), strict=True)}
    part.registerOutput(copied[read.unique()])
    return torch._C._create_function_from_graph("number_that_is_read", part)  # noqa: SLF001 (no public name)
