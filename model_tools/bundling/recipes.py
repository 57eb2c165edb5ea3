"""What each runtime is made of, as far as it cannot be found out by using it."""

from collections.abc import Mapping
from dataclasses import dataclass

from model_tools.formats.manifest import Library


@dataclass(frozen=True)
class Recipe:
    """The packages that a runtime may hold files of, and what is taken from them unseen."""

    distributions: tuple[str, ...]
    """Their dependencies may have files in the bundle too; what is unused has none."""
    serving: tuple[str, ...]
    """Those of them (with what they need) that serving may use when the model brings no code of its own."""
    unseen: tuple[str, ...] = ()
    """Files that are only looked for, never opened, when the library is used."""


RECIPES: Mapping[Library, Recipe] = {
    "torch": Recipe(
        distributions=("torch", "numpy", "pillow", "safetensors"),
        serving=("torch", "pillow"),  # without numpy, which torch can do without
        unseen=("torch/bin/torch_shm_manager",),  # torch refuses to be imported when it is not there
    ),
    "xgboost": Recipe(distributions=("xgboost-cpu", "numpy", "scipy"), serving=("xgboost-cpu",)),
}
