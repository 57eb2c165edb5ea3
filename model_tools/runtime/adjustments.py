"""Adjusts the few modules that expect files on a disk when they are imported, for a bundle that is held in memory.

Each adjustment changes one module of the bundle, in that module's own namespace; nothing of Python itself is replaced.
"""

import io
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import IO, Any

from model_tools.runtime.memory import MemoryTree, virtual_path

Adjustment = Callable[[ModuleType, MemoryTree], None]
TORCH_MANAGER = "torch/bin/torch_shm_manager"
"""The program for shared memory that torch looks for at import."""
XGBOOST_LIBRARY = "xgboost/lib/libxgboost.so"
"""The shared library that xgboost loads by its path."""


def adjust_before(module: ModuleType, tree: MemoryTree) -> None:
    """Change a module's namespace before its body runs."""
    if adjustment := BEFORE.get(module.__name__):
        adjustment(module, tree)


def adjust_after(module: ModuleType, tree: MemoryTree) -> None:
    """Change the names that a module's body has defined, before other modules see them."""
    if adjustment := AFTER.get(module.__name__):
        adjustment(module, tree)


def _torch_paths(module: ModuleType, tree: MemoryTree) -> None:
    # With this switch of torch's own, torch does not load libtorch_global_deps.so by its path; the libraries that it
    # links are loaded with the module that needs them.
    module.USE_GLOBAL_DEPS = False  # type: ignore[attr-defined]
    module.get_file_path = lambda *parts: _torch_file("/".join(parts), tree)  # type: ignore[attr-defined]


def _torch_file(name: str, tree: MemoryTree) -> str:
    # torch checks at import that this program exists, so it gets a path that does.
    return tree.descriptor_path(name) if name == TORCH_MANAGER and name in tree else virtual_path(name)


def _xgboost_data_files(module: ModuleType, tree: MemoryTree) -> None:
    def open_file(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> IO[Any]:
        prefix = virtual_path("")
        if not isinstance(path, str) or not path.startswith(prefix):
            return open(path, mode, *arguments, **options)  # noqa: PTH123 (the module calls this function in place of open)
        data = io.BytesIO(tree.read(path.removeprefix(prefix)))
        return data if "b" in mode else io.TextIOWrapper(data, encoding=options.get("encoding"))

    module.open = open_file  # type: ignore[attr-defined]


def _xgboost_library(module: ModuleType, tree: MemoryTree) -> None:
    module.find_lib_path = lambda: [tree.open_library(XGBOOST_LIBRARY)]  # type: ignore[attr-defined]


BEFORE: Mapping[str, Adjustment] = {"xgboost.core": _xgboost_data_files}
"""The adjustments before a module's body runs, by the module's name."""
AFTER: Mapping[str, Adjustment] = {"torch._utils_internal": _torch_paths, "xgboost.libpath": _xgboost_library}
"""The adjustments after a module's body has run, by the module's name."""
