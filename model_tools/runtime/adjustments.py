"""What single packages do when they are imported that presumes files, and what they are given instead.

Each adjustment is to one module of a bundle that is held in memory, in that module's own namespace; nothing of Python
itself is replaced.
"""

import io
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import IO, Any

from model_tools.runtime.memory import MemoryTree, virtual_path

Adjustment = Callable[[ModuleType, MemoryTree], None]
TORCH_MANAGER = "torch/bin/torch_shm_manager"
XGBOOST_LIBRARY = "xgboost/lib/libxgboost.so"


def adjust_before(module: ModuleType, tree: MemoryTree) -> None:
    """Prepare a module's namespace before its body runs."""
    if adjustment := BEFORE.get(module.__name__):
        adjustment(module, tree)


def adjust_after(module: ModuleType, tree: MemoryTree) -> None:
    """Change what a module's body has defined, before anybody else sees it."""
    if adjustment := AFTER.get(module.__name__):
        adjustment(module, tree)


def _torch_paths(module: ModuleType, tree: MemoryTree) -> None:
    # torch's own switch for places where that library is not: what it links is loaded with the module that needs it.
    module.USE_GLOBAL_DEPS = False  # type: ignore[attr-defined]
    module.get_file_path = lambda *parts: _torch_file("/".join(parts), tree)  # type: ignore[attr-defined]


def _torch_file(name: str, tree: MemoryTree) -> str:
    # torch looks at import whether its manager of shared memory is there.
    return tree.descriptor_path(name) if name == TORCH_MANAGER and name in tree else virtual_path(name)


def _xgboost_data_files(module: ModuleType, tree: MemoryTree) -> None:
    def open_file(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> IO[Any]:
        prefix = virtual_path("")
        if not isinstance(path, str) or not path.startswith(prefix):
            return open(path, mode, *arguments, **options)  # noqa: PTH123 (for the module, in place of it)
        data = io.BytesIO(tree.read(path.removeprefix(prefix)))
        return data if "b" in mode else io.TextIOWrapper(data, encoding=options.get("encoding"))

    module.open = open_file  # type: ignore[attr-defined]


def _xgboost_library(module: ModuleType, tree: MemoryTree) -> None:
    module.find_lib_path = lambda: [tree.open_library(XGBOOST_LIBRARY)]  # type: ignore[attr-defined]


BEFORE: Mapping[str, Adjustment] = {"xgboost.core": _xgboost_data_files}
AFTER: Mapping[str, Adjustment] = {"torch._utils_internal": _torch_paths, "xgboost.libpath": _xgboost_library}
