"""Decides whether a runtime bundle goes into /tmp or into memory. Pure; nothing else decides this.

The decision is made by `model-tools plan` in advance, after packaging, and in the function when it starts. It depends
on the same sizes each time, so that the function does what was planned.
"""

from typing import Literal, NamedTuple

from model_tools.errors import ModelTooLarge
from model_tools.formats.sizes import MIB, size_text

TMP_WITH_SNAPSHOT = 512 * MIB
"""Bytes of /tmp of a function with SnapStart, and of any function that does not ask for more [snapstart]."""
TMP_OVERHEAD = 8 * MIB
"""Bytes of /tmp that folders, and the unused ends of the blocks of files, take beside the contents of the files."""

Placement = Literal["tmp", "memory"]
PlacementWish = Literal["auto", "tmp", "memory"]
"""The stack's parameter RuntimePlacement; `auto` means /tmp if it is large enough, else memory."""


class Decision(NamedTuple):
    """A placement, and the reason for it in words."""

    placement: Placement
    reason: str


def place_bundle(bundle: int, model: int, *, wish: PlacementWish = "auto", tmp: int = TMP_WITH_SNAPSHOT) -> Decision:
    """Return the place of a bundle beside an unpacked model; all sizes are bytes, `bundle` is the unpacked size.

    Raises ModelTooLarge when /tmp is wished for and cannot hold both.
    """
    if wish == "memory":
        return Decision("memory", "as RUNTIME_PLACEMENT says")
    told = f"the bundle's {size_text(bundle)} and the model's {size_text(model)}"
    if bundle + model + TMP_OVERHEAD <= tmp:
        return Decision("tmp", f"{told} fit into the {size_text(tmp)} of /tmp")
    if wish == "tmp":
        raise ModelTooLarge(
            f"The runtime bundle takes {size_text(bundle)} and the model {size_text(model)}, and /tmp has "
            f"{size_text(tmp)} for both and {size_text(TMP_OVERHEAD)} of overhead: set the stack's RuntimePlacement to "
            "auto or memory, or publish a smaller model."
        )
    return Decision(
        "memory", f"{told}, with {size_text(TMP_OVERHEAD)} of overhead, do not fit into the {size_text(tmp)} of /tmp"
    )
