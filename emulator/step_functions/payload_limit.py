"""The limit of 256 KiB for the input and output of a state, beyond which it fails with `States.DataLimitExceeded`.

moto measures JSON with spaces and escapes, and so refuses text beyond ASCII that AWS accepts.
"""

import json
from typing import Any

from moto.stepfunctions.parser import quotas

from emulator.repairing import replace_imported

MAX_BYTES = 256 * 1024


def is_within_limit(value: Any) -> bool:
    """Return True when a value, as compact JSON in UTF-8, is within the limit."""
    text = (
        value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    )
    return len(text.encode()) <= MAX_BYTES


def repair() -> None:
    """Replace the measurement in every module that has imported it."""
    replace_imported("moto.stepfunctions", quotas, "is_within_size_quota", is_within_limit)
