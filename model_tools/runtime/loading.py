"""Makes the library that runs a model importable from a runtime bundle, unless it is installed."""

import importlib
import importlib.util
import sys
from pathlib import Path

from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import PartName, RuntimeReference
from model_tools.runtime.contents import OpenObject
from model_tools.runtime.importer import hold_runtime
from model_tools.runtime.placement import Placement
from model_tools.runtime.unpacking import unpack_runtime


def is_importable(name: Library) -> bool:
    """Tell whether the library can be imported, as in a container image that was built with it."""
    return importlib.util.find_spec(name) is not None


def provide_runtime(
    reference: RuntimeReference,
    open_object: OpenObject,
    placement: Placement,
    *,
    folder: Path,
    part: PartName = "whole",
) -> None:
    """Make the packages in a part of the bundle importable, from `folder` or from memory.

    Raises RuntimeMismatch and RuntimeDamaged; no module of the bundle is importable then.
    """
    if placement == "memory":
        hold_runtime(reference, open_object, part)
        return
    home = str(unpack_runtime(reference, open_object, folder, part))
    if home not in sys.path:
        sys.path.insert(0, home)
    importlib.invalidate_caches()
