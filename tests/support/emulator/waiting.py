"""Waiting for something that happens in another thread or process."""

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], Any], what: str, *, seconds: float = 60.0) -> Any:
    """Return the condition's value when it is true at last; an AssertionError names what did not happen."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)
    return value
