"""Reads the program in a `.pt2` file as JSON: the operators that it calls, and the Python that torch would evaluate.

torch.export.load looks names up (`torch.os.system` would be one), evaluates expressions of sizes with sympy, and writes
guards and names into Python code that it executes. All of it is checked here against what torch.export.save writes.
"""

import ast
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from model_tools.packaging.checkpoint.operators import CLASSES, OperatorUse
from model_tools.packaging.checkpoint.training_mode import UNKNOWN, in_training_mode

Json = Any

NAME = re.compile(r"[\w.]*")
"""What torch writes as the name of a node or an argument; it stands in Python code later."""
PYTHON_FUNCTIONS = frozenset({
    "_operator.add", "_operator.and_", "_operator.eq", "_operator.floordiv", "_operator.ge", "_operator.getitem",
    "_operator.gt", "_operator.le", "_operator.lshift", "_operator.lt", "_operator.mod", "_operator.mul",
    "_operator.ne", "_operator.neg", "_operator.or_", "_operator.pos", "_operator.pow", "_operator.rshift",
    "_operator.sub", "_operator.truediv", "math.trunc", "torch.sym_float", "torch.sym_int", "torch.sym_ite",
    "torch.sym_max", "torch.sym_min", "torch.sym_not", "torch.sym_sqrt",
})  # fmt: skip
"""Functions of Python that a program calls on sizes (torch's `_SYM_OPS`)."""
SYMBOLIC = frozenset({
    "Abs", "Add", "And", "BooleanFalse", "BooleanTrue", "CeilDiv", "CeilToInt", "CleanDiv", "Eq", "Equality", "Float",
    "FloatPow", "FloatTrueDiv", "FloorDiv", "FloorToInt", "Ge", "GreaterThan", "Gt", "Identity", "IntTrueDiv",
    "Integer", "IsNonOverlappingAndDenseIndicator", "LShift", "Le", "LessThan", "Lt", "Max", "Min", "Mod",
    "ModularIndexing", "Mul", "Ne", "Not", "Or", "Pow", "PowByNatural", "PythonMod", "RShift", "Rational",
    "RoundDecimal", "RoundToInt", "StrictGreaterThan", "StrictLessThan", "Symbol", "ToFloat", "TruncToFloat",
    "TruncToInt", "Unequality", "Where", "Xor", "abs", "ceiling", "exp", "float", "floor", "int", "log", "max", "min",
    "round", "sqrt",
})  # fmt: skip
"""Functions that stand in expressions of sizes; each only computes."""
READERS = frozenset({"item", "size", "storage_offset", "stride"})
"""Methods that guards call on a program's inputs."""
EXPRESSIONS = (
    ast.Expression, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.Tuple, ast.List, ast.Subscript, ast.UnaryOp,
    ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
"""The parts of an expression that call nothing."""


class ProgramUnreadable(ValueError):
    """The program is not in the form that torch.export.save writes; the message says what stands there."""


def operators_in_program(program: Json, member: str) -> Iterator[OperatorUse]:
    """Yield each operator that a program's JSON names. Raises ProgramUnreadable."""
    for key, value in _entries(program):
        if key in ("target", "as_operator") and isinstance(value, str):
            operator = _operator(value)
            if operator:
                yield OperatorUse(operator, member)
        elif key == "class_fqn" and isinstance(value, str):
            yield OperatorUse(value.removeprefix("__torch__."), member)
        elif key == "expr_str":
            _check_expression(value)
        elif key == "guards_code" and isinstance(value, list):
            for guard in value:
                _check_expression(guard)
        elif key in ("name", "as_name") and not (value is None or NAME.fullmatch(str(value))):
            raise ProgramUnreadable(f"the name {str(value)[:100]!r}")
        elif key in ("in_spec", "out_spec") and _imports_python(value):
            raise ProgramUnreadable("inputs or outputs of a Python class that would be imported")


def trained_node(program: Json) -> str:
    """Return an operator that computes as it does in training, in the form in which a program names it, or ""."""
    for key, nodes in _entries(program):
        if key != "nodes" or not isinstance(nodes, list):
            continue
        for node in nodes:
            target = str(node.get("target", ""))
            arguments = {entry["name"]: _constant(entry["arg"]) for entry in node.get("inputs", [])}
            if in_training_mode(target.removeprefix("torch.ops.aten.").partition(".")[0], arguments):
                return target
    return ""


def _constant(argument: dict[str, Json]) -> Json:
    """Return the number or truth value of an argument, None for no argument, and UNKNOWN for all others."""
    kind, value = next(iter(argument.items()))
    if kind == "as_none":
        return None
    return value if kind in ("as_bool", "as_float", "as_int") else UNKNOWN


def _entries(program: Json) -> Iterator[tuple[str, Json]]:
    """Yield every key of every object, without what is kept of the sources for messages (metadata)."""
    waiting = [program]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key != "metadata":
                    yield key, inner
                    waiting.append(inner)


def _imports_python(spec: Json) -> bool:
    """Tell whether a description of inputs or outputs, JSON that holds JSON as text, makes torch import a module."""
    waiting = [spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            with suppress(ValueError):
                inner = json.loads(value)
                waiting += [inner] if isinstance(inner, str | list | dict) else []
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if "__enum__" in value or value.get("default_factory_module", "builtins") != "builtins":
                return True
            waiting += value.values()
    return False


def _operator(target: str) -> str:
    """Return a target's operator, an empty string for a Python function that computes with sizes.

    Raises ProgramUnreadable for any other name that torch would look up.
    """
    if target in PYTHON_FUNCTIONS:
        return ""
    match target.split("."):
        case ["torch", "ops", namespace, name] | ["torch", "ops", namespace, name, _]:
            return f"{namespace}::{name}"
        case ["torch", "classes", _, _]:
            return CLASSES + target.removeprefix(CLASSES)
    raise ProgramUnreadable(f"the function {target[:100]!r}, which is no operator")


def _check_expression(text: Json) -> None:
    """Refuse an expression of sizes that does more than to compute. Raises ProgramUnreadable."""
    try:
        nodes = list(ast.walk(ast.parse(str(text).strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ProgramUnreadable(f"the expression {str(text)[:100]!r}") from error
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    if not all(_only_computes(node, called=id(node) in called) for node in nodes):
        raise ProgramUnreadable(f"the expression {str(text)[:100]!r}")


def _only_computes(node: ast.AST, *, called: bool) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name | ast.Attribute)
    if isinstance(node, ast.Name) and called:
        return node.id in SYMBOLIC
    if isinstance(node, ast.Attribute):
        of_math = isinstance(node.value, ast.Name) and node.value.id == "math"
        return not node.attr.startswith("_") and (not called or of_math or node.attr in READERS)
    if isinstance(node, ast.Name | ast.keyword):
        return "__" not in (node.id if isinstance(node, ast.Name) else node.arg or "__")
    return isinstance(node, EXPRESSIONS)
