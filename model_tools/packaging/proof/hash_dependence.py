"""Tells whether the code of an architecture may depend on hashes of texts, and so on the order of sets.

The code is parsed and not run. Whatever is not known to be plain counts as dependent, which costs another import of
torch and nothing else.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PLAIN_MODULES = frozenset(
    (
        *("__future__", "abc", "collections", "copy", "dataclasses", "enum", "functools", "itertools", "json", "math"),
        *("numpy", "os", "pathlib", "re", "string", "torch", "typing", "warnings"),
    )
)
"""The modules outside the model's folder that give a model no sets, and no hashes, unless it names them."""
DYNAMIC_NAMES = frozenset(["__builtins__", "__import__", "builtins", "compile", "eval", "exec", "globals"])
"""The names by which code can reach other names that the text of the code does not show."""
VIEWS = frozenset({"items", "keys"})
"""The methods of a dict whose answers become sets by SET_OPERATORS."""
SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
"""The operators that make a set of two views of dicts."""
_NAME_OF_SETS = re.compile(r"(?:^|_)(?:frozen)?sets?(?:$|_)|Set|[Hh]ash")


def may_depend_on_hashes(architecture: str | None, folder: Path) -> bool:
    """Tell whether `module:Callable`, or a module of the folder that it imports, may use a set or a hash.

    The code of a compiled model, for which `architecture` is None, is not Python, and uses neither.
    """
    waiting = [] if architecture is None else [architecture.partition(":")[0]]
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        files = _files_of(module, folder)
        if not files:
            return True
        for name, path in files.items():
            try:
                tree = ast.parse(path.read_bytes())
            except (OSError, SyntaxError, ValueError, RecursionError):
                return True
            if _shows_sets(tree):
                return True
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            for imported in _imports(tree, package):
                if _is_in(imported, folder):
                    waiting.append(imported)
                elif imported.partition(".")[0] not in PLAIN_MODULES and not _is_in(
                    imported.rpartition(".")[0], folder
                ):
                    return True
    return False


def _shows_sets(tree: ast.AST) -> bool:
    """Tell whether a module makes a set, calls for a hash, or names what may do so."""
    names: set[str] = set()
    operates = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        operates |= isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, SET_OPERATORS)
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.alias):
            names |= set(node.name.split("."))
    return bool(names & DYNAMIC_NAMES) or any(map(_NAME_OF_SETS.search, names)) or (operates and bool(names & VIEWS))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the full names of what a module of a package imports, each with what is taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".") if package else []
            base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [node.module])])
            base = base if node.level else node.module or ""
            yield base or "."
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _is_in(module: str, folder: Path) -> bool:
    """Tell whether a module's name leads to a file or a folder in the model's folder."""
    place = folder.joinpath(*module.split("."))
    return bool(module) and (place.is_dir() or any(place.parent.glob(f"{place.name}.*")))


def _files_of(module: str, folder: Path) -> dict[str, Path]:
    """Return the files that an import of a module of the folder runs, by the modules' names; nothing if one lacks."""
    files: dict[str, Path] = {}
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        name, place = ".".join(parts[:length]), folder.joinpath(*parts[:length])
        if (place / "__init__.py").is_file():
            files[name] = place / "__init__.py"
        elif place.with_suffix(".py").is_file():
            files[name] = place.with_suffix(".py")
        elif not place.is_dir():
            return {}
    return files
