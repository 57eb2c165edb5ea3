"""A state's input and output hold 256 KiB: `States.DataLimitExceeded` beyond.

moto measures JSON with its spaces and escapes, and so refuses text beyond ASCII that AWS takes.
"""

import json
from typing import Any

from moto.stepfunctions.parser import quotas

from emulator.repairing import replace_imported

MAX_BYTES = 256 * 1024


def is_within_limit(value: Any) -> bool:
    """Return whether the value fits, measured as compact UTF-8 JSON."""
    text = (
        value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    )
    return len(text.encode()) <= MAX_BYTES


def repair() -> None:
    """Replace the measure wherever it was imported to."""
    replace_imported("moto.stepfunctions", quotas, "is_within_size_quota", is_within_limit)
