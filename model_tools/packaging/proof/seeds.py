"""Sets what differs between two builds of a model: the seeds of random numbers, and the contents of fresh memory."""

import ctypes
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

FIRST_SEED = 0
"""The seed of the build that is traced and served."""
SECOND_SEED = 20_011
"""The seed of the build that the first one is compared with."""
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
