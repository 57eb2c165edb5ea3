"""Has the model built once more beside the proof of parity: state that the checkpoint does not hold is refused."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from model_tools.errors import PublishError
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.messages import TraceJob
from model_tools.packaging.proof.state_messages import LARGE_BYTES, RebuildJob, RebuildResult

REBUILD_WORKER = "model_tools.packaging.proof.rebuild_worker"
MODULES = (REBUILD_WORKER,)
HASH_SEED = 1
"""The hash seed of the process in which the model is built again; that of the others is 0."""


def prepare_rebuild(workers: Workers) -> None:
    """Begin to import what the child needs, in a process with another hash seed."""
    workers.prepare(MODULES, hash_seed=HASH_SEED)


class Rebuild:
    """The child that builds the model again. A context manager: it runs while the block does, and is done after it.

    It waits for the end of the block if the checkpoint is large. A refusal of the child takes the place of one that the
    block raises: what depends on the build often makes the traced model answer differently as well.
    """

    def __init__(
        self, trace: TraceJob, outputs: int, *, size: int, shared: Sequence[str] | None, scratch: Path, limits: Limits,
        workers: Workers,
    ) -> None:  # fmt: skip
        """Take the modules of the other children if this one may share their import of torch, and so their hashes.

        `shared` is None for code that may depend on hashes: the child is then one of a process with others.
        """
        self._shared = shared
        self._job = RebuildJob(trace=trace, recorded=scratch, outputs=outputs)
        self._scratch = scratch / "rebuilt"
        self._limits = limits
        self._workers = workers
        self._beside = size <= LARGE_BYTES
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._found: list[RebuildResult | BaseException] = []

    def __enter__(self) -> Self:
        self._scratch.mkdir()
        if self._shared is not None:
            self._workers.prepare(self._shared, beside=True)
        if self._beside:
            self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is None or isinstance(error, PublishError):
            if not self._beside:
                self._thread.start()
            self._thread.join()
            if isinstance(self._found[0], BaseException):
                raise self._found[0]

    @property
    def result(self) -> RebuildResult:
        """The findings of the child, after the block."""
        (found,) = self._found
        if isinstance(found, BaseException):
            raise found
        return found

    @property
    def described(self) -> dict[str, object]:
        """The findings as evidence, which are the same for all runs on one machine."""
        return {
            "builds": self.result.builds,
            "order": "reversed",
            "hashes": "not used" if self._shared is not None else "other",
            "notes": self.result.notes,
        }

    def _run(self) -> None:
        found: RebuildResult | BaseException
        try:
            found = self._workers.run(
                REBUILD_WORKER, self._job, RebuildResult, modules=MODULES if self._shared is None else self._shared,
                hash_seed=HASH_SEED if self._shared is None else 0, beside=self._shared is not None,
                scratch=self._scratch, cwd=self._job.trace.folder, seconds=self._limits.child_seconds,
            )  # fmt: skip
        except BaseException as error:  # noqa: BLE001 (it is raised by the thread that waits)
            found = error
        self._found.append(found)
