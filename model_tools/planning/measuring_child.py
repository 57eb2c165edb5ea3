"""The child process that loads a packaged model as serving does, lets it answer the samples, and measures it.

`python -m model_tools.planning.measuring_child FOLDER` reads the job from the folder and writes the measurement there.
"""

import contextlib
import importlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from model_tools.formats.samples import Sample
from model_tools.planning.messages import JOB_FILE, MEASUREMENT_FILE, Measurement, MeasuringJob
from model_tools.runtime.loading import provide_runtime

ALSO_IMPORTED = ("boto3", "aws_lambda_powertools")
"""Further packages that the function imports; they take memory as well."""
LEAST_CALLS, MOST_CALLS = 5, 1_000
"""The smallest and the largest number of calls that are timed."""
TIMED_SECONDS = 1.0
"""The time after which no further round of calls begins, once there were LEAST_CALLS."""
ENVIRONMENT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "RESULTS_BUCKET": "results"}
"""The environment variables by which serving starts as it does in a function with snapshots."""
KIB, BLOCK = 1024, 512
"""Bytes of the units in /proc/self/status and in a file's number of blocks."""


def main(folder: Path) -> None:
    """Do the job in the folder and write the measurement beside it."""
    job = MeasuringJob.model_validate_json((folder / JOB_FILE).read_bytes())
    for name in ALSO_IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    began = time.perf_counter()
    provide(job, folder)
    provided = time.perf_counter()
    model = load(job)
    loaded = time.perf_counter()
    samples = [Sample.model_validate_json(line) for line in job.samples.read_text(encoding="utf-8").splitlines()]
    asked = ask(model, [sample.event for sample in samples])
    measurement = Measurement(
        library_seconds=provided - began, model_seconds=loaded - provided, peak_bytes=peak_memory(), **asked
    )
    (folder / MEASUREMENT_FILE).write_text(measurement.model_dump_json(), encoding="utf-8")


def provide(job: MeasuringJob, folder: Path) -> None:
    """Make the library importable as the function does, from the bundle if the job names one, and import it."""
    if job.release.runtime is not None and job.bundle_file is not None and job.placement is not None:
        provide_runtime(
            job.release.runtime,
            _opener(job.bundle_file),
            job.placement,
            folder=folder / "tmp",
            part=job.release.part,
        )
    importlib.import_module(job.library)


def load(job: MeasuringJob) -> Any:
    """Return the model, loaded and warmed up as when the function starts, with one thread."""
    from model_tools.serving.start import Storage, start  # noqa: PLC0415 (these imports count as loading the model)
    from model_tools.tasks.loading import load_task  # noqa: PLC0415

    storage = Storage(open=_opener(job.archive_file), read=_read_nothing, put=_put_nowhere, forget=lambda: None)
    model, _ = start(job.release, storage, ENVIRONMENT, load_task)
    return model


def ask(model: Any, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Answer every event once, then time repeated answers; return the fields of Measurement that concern requests."""
    from model_tools.serving.service import handle  # noqa: PLC0415

    answers = [handle(event, model, version="1") for event in events]
    good = [event for event, answer in zip(events, answers, strict=True) if "error" not in answer]
    times: list[float] = []
    began = time.perf_counter()
    while good and (
        len(times) < LEAST_CALLS or (len(times) < MOST_CALLS and time.perf_counter() - began < TIMED_SECONDS)
    ):
        for event in good:
            started = time.perf_counter()
            json.dumps(handle(json.loads(json.dumps(event)), model, version="1"))
            times.append((time.perf_counter() - started) * 1000)
    return {
        "latency_ms": statistics.median(times) if times else 0.0,
        "requests": len(times),
        "largest_request": max((len(json.dumps(event)) for event in events), default=0),
        "largest_answer": max((len(json.dumps(answer)) for answer in answers), default=0),
        "refused": len(events) - len(good),
    }


def peak_memory() -> int:
    """Return this process's largest memory in bytes.

    It is the largest resident memory, and beyond that the pages of memory files that are not mapped now.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    resident, mapped = (int(status[name].split()[0]) * KIB for name in ("VmHWM", "RssShmem"))
    return resident + max(0, sum(_memory_files()) - mapped)


def _memory_files() -> Iterator[int]:
    """Yield the bytes of each open memory file (memfd)."""
    seen = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if descriptor.readlink().name.startswith("memfd:") and (about := descriptor.stat()).st_ino not in seen:
                seen.add(about.st_ino)
                yield about.st_blocks * BLOCK


def _opener(path: Path) -> Any:
    def open_object(_uri: str) -> AbstractContextManager[IO[bytes]]:
        return path.open("rb")

    return open_object


def _read_nothing(_uri: str, _limit: int) -> bytes:
    raise ConnectionError("a plan fetches nothing")


def _put_nowhere(_bucket: str, _key: str, _data: bytes) -> None:
    """Drop a result that the function would store."""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
