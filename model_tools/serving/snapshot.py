"""What must be new in every environment that is restored from a snapshot.

Whatever init made is the same in all of them: connections, credentials and random state above all. A snapshot is taken
with one compute thread, and an environment then uses the processors that it has.
"""

import gc
import os
import random
import ssl
import sys
from collections.abc import Callable

from snapshot_restore_py import register_after_restore, register_before_snapshot

SEED_BYTES = 32


def prepare_for_snapshot(*, forget: Callable[[], None], set_threads: Callable[[int], None]) -> None:
    """Register what is done before the snapshot is taken, and in each environment after it was restored.

    `forget` ends connections and drops whatever holds credentials: before the snapshot, so that it holds none, and once
    more after the restore.
    """
    register_before_snapshot(_settle)  # runs last: these hooks run in reverse
    register_before_snapshot(forget)
    register_after_restore(forget)
    register_after_restore(diverge)
    register_after_restore(lambda: set_threads(processors()))


def processors() -> int:
    """Return how many processors this environment has."""
    return len(os.sched_getaffinity(0))


def diverge() -> None:
    """Give this environment random state of its own.

    `secrets`, `uuid` and `random.SystemRandom` ask the system each time. OpenSSL is stirred although Lambda's own
    notices a restore. The seed of the hashes of strings cannot be changed in a running Python: it is that of the
    version, drawn anew for each one when it was initialised.
    """
    random.seed(os.urandom(SEED_BYTES))
    ssl.RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(int.from_bytes(os.urandom(8), "big"))
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(int.from_bytes(os.urandom(4), "big"))


def _settle() -> None:
    """Leave nothing to collect: a collection after the restore would copy the snapshot's memory."""
    gc.collect()
    gc.freeze()
