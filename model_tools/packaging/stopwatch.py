"""Measures how long the steps of a packaging take, for evidence.json."""

import time


class Stopwatch:
    """The seconds of each step, one after the other."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, step: str) -> None:
        """Note how long a step has taken: the time since the one before, or since the start."""
        now = time.perf_counter()
        self.seconds[step] = round(now - self._last, 3)
        self._last = now
