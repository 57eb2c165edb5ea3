"""Finds the operators that the source code in a TorchScript file calls, by reading it as text.

Nothing is parsed by torch here, since loading a TorchScript file already runs parts of it (`__setstate__`). The code is
read word by word in the form in which torch.jit.save writes it; text that torch could read otherwise than this module
does is refused, so that no call can hide.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from model_tools.packaging.checkpoint.operators import CLASSES, OperatorUse, refused_as_method

TOKEN = re.compile(
    r"""
    (?P<blank>[ \n]+|\#(?![ ]*type:)[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\[\\'"abfnrtv]|\\[0-3][0-7]{2})*"|'(?:[^'\\\n]|\\[\\'"abfnrtv]|\\[0-3][0-7]{2})*')
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?j?)(?![A-Za-z_0-9.]))
    |(?P<mark>[-+*/%@&|^~<>=!()\[\]{}:;,.])
    """,
    re.VERBOSE,
)
"""A word of the code. Type comments, tabs, continued lines and letters beyond ASCII are none, as torch writes none."""
ROOTS = frozenset({"torch", "ops", "__torch__"})
"""The words that operators, and the names of classes and functions, begin with."""
CLASS_PARTS = 4
"""The parts of a C++ class's name behind `__torch__`: torch, classes, a namespace and the class."""


class SourceUnreadable(ValueError):
    """The text is not in the form that torch.jit.save writes."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")


class _Word(NamedTuple):
    kind: str
    text: str
    line: int


END = _Word("end", "", 0)
"""Stands before the first word and, twice, behind the last."""


def operators_in_source(source: str, member: str) -> Iterator[OperatorUse]:
    """Yield each use of an operator, or of a class written in C++, in a member of the zip. Raises SourceUnreadable."""
    words = list(_words(source))
    by_text = any(word.text == "getattr" for word in words)
    before = END
    for number, word in enumerate(words):
        operator = ""
        if word.kind == "string":
            if before.kind == "string":
                raise SourceUnreadable(word.line, "two texts stand side by side, as in no file of torch's own")
            name = ast.literal_eval(word.text) if by_text else ""
            operator = f"aten::{name}" if refused_as_method(name) else ""
        elif word.kind == "name" and before.text == ".":
            # A tensor's method calls the operator of its name.
            operator = f"aten::{word.text}" if refused_as_method(word.text) else ""
        elif word.text in ROOTS:
            operator = _operator(words, number)
        if operator:
            yield OperatorUse(operator, f"{member}, line {word.line}", by_name=word.text not in ROOTS)
        before = word


def _words(source: str) -> Iterator[_Word]:
    begins, line = 0, 1
    while begins < len(source):
        match = TOKEN.match(source, begins)
        if match is None:
            raise SourceUnreadable(line, f"it has {source[begins : begins + 10]!r}, as no file of torch's own")
        begins = match.end()
        if match.lastgroup == "blank":
            line += match.group().count("\n")
        else:
            yield _Word(str(match.lastgroup), match.group(), line)
    yield from (END, END)


def _operator(words: Sequence[_Word], number: int) -> str:
    """Return the operator or C++ class that the words from this one on name, an empty string if they name neither.

    `torch` and `ops` can be given other names (`t = torch`) and be read in part; what torch writes is always the whole
    name and a call. Raises SourceUnreadable for anything else.
    """
    chain = [words[number].text]
    while words[number + 1].text == "." and words[number + 2].kind == "name":
        number += 2
        chain.append(words[number].text)
    after = words[number + 1].text
    if chain[0] == "__torch__":
        if after == ".":
            raise SourceUnreadable(
                words[number].line,
                "a class is named after a module that is no file (as <run_path>), which torch cannot read back: define "
                "the class in a module that is imported",
            )
        if chain[1:3] != ["torch", "classes"] and len(chain) > 1 and chain[1:] != ["torch"]:
            return ""
        if len(chain) > CLASS_PARTS:
            return f"{CLASSES}{chain[3]}.{chain[4]}"
    elif len(chain) == 1 and after == ":":
        return ""  # an attribute that is called torch or ops is declared
    elif len(chain) == (2 if chain[0] == "torch" else 3) and after == "(":
        return f"{'aten' if chain[0] == 'torch' else chain[1]}::{chain[-1]}"
    raise SourceUnreadable(
        words[number].line,
        f"{'.'.join(chain)} is used as a value, as in no file of torch's own: rename what the model calls so",
    )
