"""Compiles the sources that standard input names, a line each, in the folder that the command line names.

It is run by the Python that the bundle is for, with nothing but that Python's own library. The same sources give the
same bytes: the process has a fixed hash seed, does nothing else, and takes them in the order given.
"""

import py_compile
import sys
from pathlib import Path

SUFFIX = f".{sys.implementation.cache_tag}.pyc"


def compile_source(root: Path, name: str, virtual_root: str) -> None:
    """Write a module's code beside it, never to be checked against the source. What does not compile is left alone."""
    source = root / name
    target = source.parent / "__pycache__" / f"{source.stem}{SUFFIX}"
    try:
        py_compile.compile(
            str(source), str(target), f"{virtual_root}/{name}", doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )  # fmt: skip
    except py_compile.PyCompileError as error:
        sys.stderr.write(f"{name}: {error.exc_type_name}\n")


if __name__ == "__main__":
    for line in sys.stdin.read().splitlines():
        compile_source(Path(sys.argv[1]), line, sys.argv[2])
