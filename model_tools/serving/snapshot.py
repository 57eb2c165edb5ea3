"""Renews the state that every environment restored from a snapshot must have of its own.

All environments start with the state that init made: the same connections, credentials and random state. A snapshot is
taken with one compute thread; each environment then uses all processors that it has.
"""

import gc
import os
import random
import ssl
import sys
from collections.abc import Callable

from snapshot_restore_py import register_after_restore, register_before_snapshot

SEED_BYTES = 32
"""The size of a new seed, 256 bits."""


def prepare_for_snapshot(*, forget: Callable[[], None], set_threads: Callable[[int], None]) -> None:
    """Register the hooks that run before the snapshot is taken, and in each environment after its restore.

    `forget` ends connections and drops credentials. It runs before the snapshot, so that the snapshot holds none, and
    once more after the restore.
    """
    register_before_snapshot(_freeze_garbage)  # runs last: these hooks run in the reverse order of their registration
    register_before_snapshot(forget)
    register_after_restore(forget)
    register_after_restore(reseed)
    register_after_restore(lambda: set_threads(processors()))


def processors() -> int:
    """Return the number of processors that this environment may use."""
    return len(os.sched_getaffinity(0))


def reseed() -> None:
    """Give this environment a random state of its own.

    `secrets`, `uuid` and `random.SystemRandom` need nothing: they ask the system each time. OpenSSL gets new entropy,
    although Lambda's build of it notices a restore by itself. The seed of string hashes cannot be changed in a running
    Python: all environments of a version share it, and each version draws its own at init.
    """
    random.seed(os.urandom(SEED_BYTES))
    ssl.RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(int.from_bytes(os.urandom(8), "big"))
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(int.from_bytes(os.urandom(4), "big"))


def _freeze_garbage() -> None:
    """Collect garbage and exempt what is left from later collections, which would copy the snapshot's memory."""
    gc.collect()
    gc.freeze()
