"""What must be new in every environment that is restored from a snapshot.

Whatever init made is the same in all of them: random state above all. A snapshot is taken with one compute thread,
and an environment then uses the processors that it has.
"""

import gc
import os
import random
from collections.abc import Callable

import torch
from snapshot_restore_py import register_after_restore, register_before_snapshot


def prepare_for_snapshots(renew: Callable[[], None]) -> None:
    """Register the hooks; `renew` replaces connections and credentials. Nothing happens where no snapshot is taken."""
    register_before_snapshot(_settle)
    register_after_restore(renew)
    register_after_restore(_diverge)


def _settle() -> None:
    """Leave nothing to collect: a collection after the restore would copy the snapshot's memory."""
    gc.collect()
    gc.freeze()


def _diverge() -> None:
    """Give this environment random state and compute threads of its own."""
    seed = int.from_bytes(os.urandom(8), "big")
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
