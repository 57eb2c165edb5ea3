"""The limits above which a checkpoint is refused. Sizes are bytes, times are seconds."""

from dataclasses import dataclass

from model_tools.formats.sizes import GIB, MIB

MAX_EXPECTED_NUMBERS = 4096
"""The largest number of values in an answer of the trained model that becomes a sample's expectation."""


@dataclass(frozen=True)
class Limits:
    """The largest sizes, counts and times that one publication accepts."""

    inflated_bytes: int = 4 * GIB
    """The size of a checkpoint's or an archive's contents once unpacked."""
    inflation_ratio: float = 200.0
    """Unpacked bytes to packed ones. Trained weights hardly compress; deflate packs a zip bomb up to 1,030 times."""
    ratio_free_bytes: int = 16 * MIB
    """Contents up to this size may have any ratio, since they are too small to do harm."""
    members: int = 20_000
    """The number of files in one archive or zip."""
    samples: int = 1_000
    """The number of sample files."""
    trees_bytes: int = 256 * MIB
    """The size of an XGBoost model file, which is read whole; as JSON it takes some four times as much memory."""
    sample_bytes: int = 6 * MIB
    """The size of a sample file; Lambda accepts no larger request [gettingstarted-limits]."""
    model_bytes: int = 4 * GIB
    """The size of the traced model, which the function that serves it must hold in memory."""
    child_seconds: float = 600.0
    """The time of each child process: to trace, to prove parity, and to build the model again."""
    case_elements: int = 1 << 24
    """The number of values in the inputs of one parity case; larger sizes of named axes are halved until they fit."""
