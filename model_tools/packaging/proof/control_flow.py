"""Finds the places where a model's Python code decides by what tracing cannot record: the inputs' values or sizes.

The model is traced once more than for serving, under a watch (`watching`). Where Python reads a number, the trace has
either recorded a conversion, or it has fixed the number: that is what is looked for. A fixed number that comes from the
inputs' values stands for one of several ways that the code may go. A fixed number that comes from sizes is right for
those sizes alone that give the same number (`size_reads`).
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.jit._trace import TracerWarning, _create_interpreter_name_lookup_fn, make_module

from model_tools.packaging.proof.lineage import Lineage, users_places
from model_tools.packaging.proof.printing import only_prints
from model_tools.packaging.proof.size_reads import SizeReads
from model_tools.packaging.proof.user_places import Place, in_machinery
from model_tools.packaging.proof.watching import Read, Watch, is_kept_as_key


@dataclass(frozen=True)
class ControlFlow:
    """The places where a model's code decides by something that its trace does not hold."""

    by_values: list[Place]
    """The places that depend on the values of the inputs, in the order of the code."""
    skips_padding: bool
    """At one of these places, `nn.TransformerEncoder` decides by its mask whether to skip padding."""
    by_sizes: SizeReads | None
    """The numbers that depend on the sizes of the inputs alone; None where there are none."""
    caught: list[Place]
    """The places at which an operation fails, and the code catches the error and goes on."""


class _ErrorCaught(Exception):
    """The code has caught the error of an operation, after which torch traces no more."""


def control_flow(model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> ControlFlow:
    """Trace a model under a watch. Raises whatever the model's code or torch's tracer raises."""
    # The tracer takes the weights, and scripted parts of the model, from this module, as torch.jit.trace does.
    module = make_module(model, None, torch._C.CompilationUnit())._c  # type: ignore[no-untyped-call]  # noqa: SLF001
    watch = Watch(inputs)
    by_values: set[Place] = set()
    by_sizes: list[Read] = []

    def traced(*arguments: torch.Tensor) -> list[torch.Tensor]:
        with watch.watching():
            model(*arguments)
        if watch.failures:
            raise _ErrorCaught
        # The graph is examined before torch removes from it what no output needs.
        graph = torch._C._get_tracing_state().graph()  # noqa: SLF001 (no public name)
        lineage = Lineage(graph, watch)
        by_values.update(place for place in map(_users_place, lineage.unrolled) if not only_prints(place))
        for read, origin in _fixed(watch.reads, lineage):
            if read.marked or origin.value:
                by_values.add(read.place)
            elif origin.sized:
                by_sizes.append(read)
        return [arguments[0], *(read.tensor for read in by_sizes)]  # a list may not be empty

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)  # what it warns of is what is looked for here
        try:
            graph, _ = torch._C._create_graph_by_tracing(  # noqa: SLF001 (torch.jit.trace gives no graph of the reads)
                traced,
                list(inputs),
                _create_interpreter_name_lookup_fn(),  # type: ignore[no-untyped-call]
                False,  # noqa: FBT003 (strict: containers in the answer are no matter)
                False,  # noqa: FBT003 (force_outplace: as torch.jit.trace does)
                module,
            )
        except _ErrorCaught:
            return ControlFlow([], skips_padding=False, by_sizes=None, caught=list(dict.fromkeys(watch.failures)))
    sizes = SizeReads([read.place for read in by_sizes], graph, module) if by_sizes else None
    skips_padding = any(read.skips_padding for read in watch.reads)
    return ControlFlow(sorted(by_values), skips_padding, sizes, caught=[])


def _fixed(reads: Sequence[Read], lineage: Lineage) -> list[tuple[Read, Any]]:
    """Return the reads whose number the trace has fixed, with their origins.

    A tensor that is read more often than the graph converts it was read by Python as well.
    """
    values = [_traced_value(read.tensor) for read in reads]
    spare = Counter({value.unique(): lineage.conversions(value) for value in values if value is not None})
    fixed = []
    for read, value in zip(reads, values, strict=True):
        if value is None or (read.is_key and is_kept_as_key(read.tensor)):
            continue
        if spare[value.unique()] > 0 and not read.unseen:
            spare[value.unique()] -= 1
        else:
            fixed.append((read, lineage.of(value)))
    return fixed


def _traced_value(tensor: torch.Tensor) -> Any:
    try:
        return torch._C._get_value_trace(tensor)  # type: ignore[attr-defined]  # noqa: SLF001 (no public name)
    except RuntimeError:
        return None  # a weight that the trace has not met


def _users_place(stack: str) -> Place:
    """Return the innermost place in a graph's stack that is the user's code."""
    places = list(users_places(stack))
    return next((place for place in places if not in_machinery(place[0])), places[0] if places else ("", 0))
