"""How a function comes by the library that runs its model: installed already, unpacked into a folder, or in memory."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Literal

from model_tools.errors import ModelTooLarge
from model_tools.manifest import Runtime
from model_tools.runtime.contents import OpenObject
from model_tools.runtime.importer import hold_runtime
from model_tools.runtime.reference import PartName, RuntimeReference
from model_tools.runtime.unpacking import unpack_runtime

__all__ = [
    "Placement",
    "Wanted",
    "choose_placement",
    "hold_runtime",
    "is_importable",
    "provide_runtime",
    "unpack_runtime",
]

Placement = Literal["tmp", "memory"]
Wanted = Literal["auto", "tmp", "memory"]


def is_importable(name: Runtime) -> bool:
    """Tell whether the library is there already, as it is in an image that was built with it."""
    return importlib.util.find_spec(name) is not None


def choose_placement(reference: RuntimeReference, *, wanted: Wanted, room: int, part: PartName = "whole") -> Placement:
    """Return where a part of a bundle goes: into the folder if it fits there, unless memory is wanted.

    `room` are the bytes of the folder's disk that are left for it. Raises ModelTooLarge when the folder is wanted and
    too small.
    """
    if wanted == "memory":
        return "memory"
    size = reference.part(part).unpacked_size
    if size <= room:
        return "tmp"
    if wanted == "tmp":
        raise ModelTooLarge(
            f"The runtime bundle {reference.uri} takes {size:,} bytes unpacked, and /tmp has "
            f"{max(room, 0):,} for it: set RUNTIME_PLACEMENT to memory or auto, or publish a smaller model."
        )
    return "memory"


def provide_runtime(
    reference: RuntimeReference,
    open_object: OpenObject,
    *,
    wanted: Wanted,
    folder: Path,
    room: int,
    part: PartName = "whole",
) -> Placement:
    """Make the packages in a part of the bundle importable and return where they are.

    Raises RuntimeMismatch, RuntimeDamaged and ModelTooLarge; nothing of the bundle is importable then.
    """
    placement = choose_placement(reference, wanted=wanted, room=room, part=part)
    if placement == "memory":
        hold_runtime(reference, open_object, part)
        return placement
    home = str(unpack_runtime(reference, open_object, folder, part))
    if home not in sys.path:
        sys.path.insert(0, home)
    importlib.invalidate_caches()
    return placement
