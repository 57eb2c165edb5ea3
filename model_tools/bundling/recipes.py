"""The facts about each runtime that cannot be found by watching its use."""

from collections.abc import Mapping
from dataclasses import dataclass

from model_tools.formats.manifest import Library


@dataclass(frozen=True)
class Recipe:
    """The packages whose files a runtime may hold."""

    distributions: tuple[str, ...]
    """The packages to bundle; their dependencies are bundled as well, and a package that is never used has no files."""
    serving: tuple[str, ...]
    """The packages that serving may use, with their dependencies, for a model without code of its own."""
    never_opened: tuple[str, ...] = ()
    """Files that must be there but are never opened, so that watching cannot find them."""


RECIPES: Mapping[Library, Recipe] = {
    "torch": Recipe(
        distributions=("torch", "numpy", "pillow", "safetensors"),
        serving=("torch", "pillow"),  # torch serves models without numpy
        never_opened=("torch/bin/torch_shm_manager",),  # torch refuses to be imported without this file
    ),
    "xgboost": Recipe(distributions=("xgboost-cpu", "numpy", "scipy"), serving=("xgboost-cpu",)),
}
