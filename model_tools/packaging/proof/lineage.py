"""Tells what each value in a traced graph comes from: the inputs' values, their sizes, or neither."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from model_tools.packaging.proof.watching import FACTORIES, Watch

SIZED_BY_VALUES = frozenset({
    "aten::nonzero", "aten::nonzero_numpy", "aten::argwhere", "aten::masked_select", "aten::_unique", "aten::_unique2",
    "aten::unique_dim", "aten::unique_consecutive", "aten::unique_dim_consecutive", "aten::bincount",
    "aten::combinations", "aten::tensor_split", "aten::_pad_packed_sequence",
    "prim::CallFunction", "prim::CallMethod", "prim::If", "prim::Loop", "prim::PythonOp",
})  # fmt: skip
"""The kinds of nodes whose results may have a size that the values of their inputs decide."""
MASKS = ("Bool", "Byte")
"""The dtypes of indices that are masks, as graphs call them."""
SIZES = frozenset({"aten::size", "aten::numel", "aten::sym_size", "aten::__len__", "aten::len"})
"""The kinds of nodes that tell the size of a tensor."""
CONVERSIONS = frozenset({
    "aten::Int", "aten::Float", "aten::Bool", "aten::Scalar", "aten::ScalarImplicit", "aten::IntImplicit",
    "aten::FloatImplicit", "aten::item",
})  # fmt: skip
"""The kinds of nodes that turn a tensor into a number within the graph, so that the number is not fixed."""


@dataclass(frozen=True)
class Origin:
    """What a value in a graph comes from."""

    value: bool = False
    """The value was computed from the inputs' values."""
    size: bool = False
    """The tensor has a size that the inputs' values decided."""
    sized: bool = False
    """The value was computed from the size of a tensor."""


CONSTANT = Origin()
LOST = Origin(value=True, size=True)
"""The origin of what the tracer did not follow."""


class Lineage:
    """The origins of all values in a graph, by the number that torch gives each."""

    def __init__(self, graph: Any, watch: Watch) -> None:
        """Walk the graph of a run that the watch has seen. Its first input is the model itself."""
        self._watch = watch
        self._origins: dict[int, Origin] = {}
        self._conversions: dict[int, int] = {}
        self._unrolled: list[str] = []
        for value in list(graph.inputs())[1:]:
            self._origins[value.unique()] = Origin(value=True)
        for node in graph.nodes():
            self._visit(node)

    def of(self, value: Any) -> Origin:
        """Return the origin of a value of the graph."""
        return self._origins.get(value.unique(), CONSTANT)

    def conversions(self, value: Any) -> int:
        """Return the number of nodes that turn a value into a number within the graph."""
        return self._conversions.get(value.unique(), 0)

    @property
    def unrolled(self) -> list[str]:
        """The stacks of the places where Python went through as many parts of a tensor as the values decided."""
        return self._unrolled

    def _visit(self, node: Any) -> None:
        kind = node.kind()
        inputs = list(node.inputs())
        origins = [self.of(value) for value in inputs]
        if kind in CONVERSIONS and inputs:
            self._conversions[inputs[0].unique()] = self._conversions.get(inputs[0].unique(), 0) + 1
        if kind == "prim::ListUnpack" and origins[0].size:
            # The list's own node has the place; unpacking has none.
            self._unrolled.append(inputs[0].node().sourceRange())
        found = LOST if self._is_lost(node) else self._origin(kind, inputs, origins)
        for output in node.outputs():
            self._origins[output.unique()] = found

    def _is_lost(self, node: Any) -> bool:
        """Tell whether the graph holds as a constant what was computed from the inputs' values."""
        is_tensor = node.kind() == "prim::Constant" and node.hasAttribute("value") and node.kindOf("value") == "t"
        return is_tensor and self._watch.is_marked(node.t("value"))

    def _origin(self, kind: str, inputs: list[Any], origins: list[Origin]) -> Origin:
        if kind in SIZES:
            decided = origins[0].size
            return Origin(value=decided, sized=not decided)
        size = any(origin.size for origin in origins)
        size = size or (self._watch.sizes_decided and _is_sized_by_values(kind, inputs))
        # A number from the inputs' values that is an argument, such as a slice's end, decides a size.
        size = size or any(
            origin.value and not _is_tensor(value) for value, origin in zip(inputs, origins, strict=True)
        )
        value = kind not in FACTORIES and any(origin.value or origin.size for origin in origins)
        return Origin(value=value, size=size, sized=any(origin.sized for origin in origins))


def _is_sized_by_values(kind: str, inputs: list[Any]) -> bool:
    """Tell whether the values of a node's inputs may decide the size of its result."""
    match kind:
        case "aten::index":  # integers choose as many as they are
            indices = [each for each in inputs[1].node().inputs() if _is_tensor(each)]
            return any(_dtype(each) in (*MASKS, None) for each in indices)
        case "aten::one_hot":  # a number of classes below 0 is the largest value
            classes = inputs[1].toIValue() if inputs[1].node().kind() == "prim::Constant" else None
            return classes is None or classes < 0
        case "aten::repeat_interleave":
            return len(inputs) < 2 or _is_tensor(inputs[1]) or (_is_tensor(inputs[0]) and len(inputs) == 1)  # noqa: PLR2004
        case "aten::where":  # with one input it is nonzero
            return len(inputs) == 1
    return kind in SIZED_BY_VALUES


def _dtype(value: Any) -> str | None:
    """Return the dtype of a tensor as graphs call it; None if the graph does not know it."""
    dtype: str | None = value.type().scalarType() if value.type().kind() == "TensorType" else None
    return dtype


def _is_tensor(value: Any) -> bool:
    return "Tensor" in str(value.type())


def users_places(stack: str) -> Iterator[tuple[str, int]]:
    """Yield the places in a node's stack, the innermost first. A line reads `file(line): function`."""
    for line in stack.splitlines():
        filename, _, rest = line.rpartition("(")
        number = rest.partition(")")[0]
        if filename and number.isdigit():
            yield filename, int(number)
