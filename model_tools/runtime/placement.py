"""Decides whether a runtime bundle goes into /tmp or into memory. Pure, and the only place that decides it.

Packaging asks before a version is made, `model-tools plan` before anything is, and the function when it starts. All ask
with the same sizes, so what was planned is what happens.
"""

from typing import Literal, NamedTuple

from model_tools.errors import ModelTooLarge
from model_tools.formats.sizes import MIB, size_text

TMP_WITH_SNAPSHOT = 512 * MIB
"""Bytes of /tmp that a function with SnapStart has, and every function for which no more is paid [snapstart]."""
TMP_OVERHEAD = 8 * MIB
"""Bytes of /tmp that folders, and the unused ends of the blocks of files, take beside the contents of the files."""

Placement = Literal["tmp", "memory"]
PlacementWish = Literal["auto", "tmp", "memory"]
"""The choice of whoever deploys the stack (its parameter RuntimePlacement); auto takes /tmp where it suffices."""


class Decision(NamedTuple):
    """A placement, and the reason for it in words."""

    placement: Placement
    reason: str


def place_bundle(bundle: int, model: int, *, wish: PlacementWish = "auto", tmp: int = TMP_WITH_SNAPSHOT) -> Decision:
    """Return where a bundle of so many unpacked bytes goes beside an unpacked model; all sizes are bytes.

    Raises ModelTooLarge when /tmp is wished for and does not hold both.
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
