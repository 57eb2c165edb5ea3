"""Compiles sources: standard input names them, one a line; the command line names their folder.

The script is run by the Python that the bundle is for, with its standard library alone. The same sources give the same
bytes, because the process has a fixed hash seed, does nothing else, and compiles in the given order.
"""

import py_compile
import sys
from pathlib import Path

SUFFIX = f".{sys.implementation.cache_tag}.pyc"


def compile_source(root: Path, name: str, virtual_root: str) -> None:
    """Write a module's compiled code beside its source; Python will not check that the source is unchanged.

    A source that does not compile is only named on standard error.
    """
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
