"""Sets what differs between two builds of a model: seeds of random numbers, the clock, and the contents of memory."""

import ctypes
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

FIRST_SEED = 0
"""The seed of the build that is traced and served."""
SECOND_SEED = 20_011
"""The seed of the build that the first one is compared with."""
LATER = 1_000 * 86_400.0
"""The seconds by which the clock of the second build is moved."""
M_PERTURB = -6
"""The option of mallopt(3) that fills memory as it is handed out, from <malloc.h>."""
PERTURBATION = 0x80
"""Memory is filled with the complement of this byte, 0x7f, which is 3.4e38 as a float32 and large as an integer."""


def seed_all(seed: int) -> None:
    """Seed every generator of random numbers that a model's code is likely to draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed(seed)


@contextmanager
def moved_clock() -> Iterator[None]:
    """Let `time.time()` and `time.time_ns()` tell a later day, for a model whose answers depend on the time."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + LATER
    time.time_ns = lambda: now_ns() + int(LATER * 1e9)
    try:
        yield
    finally:
        time.time, time.time_ns = now, now_ns


@contextmanager
def filled_memory() -> Iterator[None]:
    """Fill memory as it is allocated, so that values that were never written are not 0 by chance.

    It does nothing where the C library has no mallopt, as on macOS.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        yield
        return
    mallopt(M_PERTURB, PERTURBATION)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)
