"""Tells what Python code does with a tensor that it asks for a number, by the instruction that a frame is at.

While a model is traced, its sizes are tensors, which a set or a dict finds by their identity and never by their
number. So `x.shape[1] in {3, 5}` is always false there, and no operation of torch shows that the size was asked for.
"""

import dis
from functools import lru_cache
from types import CodeType, FrameType

LOOKUP_METHODS = frozenset({
    "get", "setdefault", "pop", "add", "discard", "remove", "update", "issubset", "issuperset", "isdisjoint", "union",
    "intersection", "difference", "__contains__", "__getitem__", "fromkeys",
})  # fmt: skip
"""The methods of sets and dicts that look up what they are given."""
LOOKUPS = ("CONTAINS_OP", "BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR", "BUILD_SET", "SET_", "BUILD_MAP")
"""The beginnings of the names of instructions that look up what they are given."""
CALLS = ("PRECALL", "CALL")
"""The beginnings of the names of instructions that call a function; Python 3.11 may call in the first of a pair."""
FORMATS = ("FORMAT_", "CONVERT_VALUE")
"""The beginnings of the names of instructions that make a part of an f-string."""

Span = tuple[tuple[int, int], tuple[int, int]]
"""The line and column at which an expression begins, and those at which it ends."""


def looks_up(frame: FrameType) -> bool:
    """Tell whether a frame is at a lookup, and not at a call of a function that remembers its answers.

    `functools.lru_cache` looks up its arguments as well, but answers as the function does in any case.
    """
    current, instructions = _at(frame)
    if current is None or current.opname.startswith(LOOKUPS):
        return True
    methods = {
        each.argval
        for each in instructions
        if each.opname in {"LOAD_METHOD", "LOAD_ATTR"} and each.positions and each.positions.lineno == frame.f_lineno
    }
    return bool(methods & LOOKUP_METHODS)


def prints(frame: FrameType) -> bool:
    """Tell whether a frame is printing what it asks for, by `print(x.shape)` or `print(f"{x.shape}")`."""
    current, instructions = _at(frame)
    if current is None or not current.opname.startswith((*CALLS, *FORMATS)):
        return False
    return any(
        _span(current) == span if current.opname.startswith(CALLS) else not is_stored and _is_within(current, span)
        for span, is_stored in _calls_of_print(instructions)
    )


@lru_cache(maxsize=256)
def _instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """Return the instructions of a function, which a loop asks for again and again."""
    return tuple(dis.get_instructions(code))


def _at(frame: FrameType) -> tuple[dis.Instruction | None, tuple[dis.Instruction, ...]]:
    """Return the instruction that a frame is at, and all of its code."""
    instructions = _instructions(frame.f_code)
    return next((each for each in instructions if each.offset == frame.f_lasti), None), instructions


def _calls_of_print(instructions: tuple[dis.Instruction, ...]) -> list[tuple[Span, bool]]:
    """Return the places of the calls of `print` in a function, each with whether its arguments set a variable."""
    begins = {_span(each)[0] for each in instructions if each.opname == "LOAD_GLOBAL" and each.argval == "print"}
    spans = [_span(each) for each in instructions if each.opname.startswith(CALLS)]
    stores = [each for each in instructions if each.opname.startswith("STORE_")]
    # A method of what print returns begins where print does, and ends later.
    calls = [min((span for span in spans if span[0] == begin), default=None) for begin in begins]
    return [(call, any(_is_within(store, call) for store in stores)) for call in calls if call is not None]


def _span(instruction: dis.Instruction) -> Span:
    place = instruction.positions
    if place is None or place.lineno is None or place.end_lineno is None:
        return (0, 0), (0, 0)
    return (place.lineno, place.col_offset or 0), (place.end_lineno, place.end_col_offset or 0)


def _is_within(instruction: dis.Instruction, outer: Span) -> bool:
    begin, end = _span(instruction)
    return outer[0] <= begin and end <= outer[1]
