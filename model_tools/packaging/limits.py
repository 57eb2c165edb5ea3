"""The limits above which a checkpoint is refused. Sizes are bytes, times are seconds."""

from dataclasses import dataclass

from model_tools.formats.sizes import GIB, MIB

MAX_EXPECTED_NUMBERS = 4096
"""Numbers in an answer of the trained model that is kept as what a sample expects."""


@dataclass(frozen=True)
class Limits:
    """The bounds of one publication."""

    inflated_bytes: int = 4 * GIB
    """The contents of a checkpoint or an archive, once unpacked."""
    inflation_ratio: float = 200.0
    """Unpacked to packed. Trained weights hardly compress; a zip bomb is packed up to 1,030 times."""
    ratio_free_bytes: int = 16 * MIB
    """Contents up to this size may have any ratio: nothing so small does harm."""
    members: int = 20_000
    """Files in one archive or zip."""
    samples: int = 1_000
    trees_bytes: int = 256 * MIB
    """An XGBoost model file, which is read whole; as JSON it takes some four times as much memory."""
    sample_bytes: int = 6 * MIB
    """A sample file; Lambda accepts no larger request."""
    model_bytes: int = 4 * GIB
    """The traced model: the function that serves it must hold it in memory."""
    child_seconds: float = 600.0
    """The time of each of the two child processes: the one that traces, and the one that proves parity."""
    case_elements: int = 1 << 24
    """Numbers in the inputs of one parity case; larger dynamic axes are tried up to here."""
