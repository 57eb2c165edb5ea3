"""What must be new in every environment that is restored from a snapshot.

Whatever init made is the same in all of them: random state above all. A snapshot is taken with one compute thread,
and an environment then uses the processors that it has.
"""

import gc
import os
import random
import sys
from collections.abc import Callable

import torch
from snapshot_restore_py import register_after_restore, register_before_snapshot


def prepare(*, snap_start: bool, close: Callable[[], None], renew: Callable[[], None]) -> None:
    """Set the compute threads, and register the hooks if a snapshot will be taken.

    `close` ends connections before the snapshot; `renew` makes new ones, and new credentials, after a restore.
    """
    if not snap_start:
        _use_all_processors()
        return
    torch.set_num_threads(1)
    register_before_snapshot(_settle)  # runs last: these hooks run in reverse
    register_before_snapshot(close)
    register_after_restore(renew)
    register_after_restore(_diverge)
    register_after_restore(_use_all_processors)


def _settle() -> None:
    """Leave nothing to collect: a collection after the restore would copy the snapshot's memory."""
    gc.collect()
    gc.freeze()


def _diverge() -> None:
    """Give this environment random state of its own."""
    seed = int.from_bytes(os.urandom(8), "big")
    random.seed(seed)
    torch.manual_seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed & 0xFFFFFFFF)


def _use_all_processors() -> None:
    torch.set_num_threads(len(os.sched_getaffinity(0)))
