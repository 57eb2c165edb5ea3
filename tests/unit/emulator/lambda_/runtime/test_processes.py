"""Function processes: killing them, measuring them, describing their end."""

import signal
import subprocess
from pathlib import Path

import pytest

from emulator.lambda_.runtime.processes import describe_exit, kill_everything_under, memory_by_session
from tests.support.emulator.waiting import wait_until


def test_whoever_has_a_scratch_folder_of_ours_is_killed_and_nobody_else(tmp_path):
    ours = subprocess.Popen(["sleep", "1000"], env={"TMPDIR": str(tmp_path / "work" / "a")}, start_new_session=True)
    other = subprocess.Popen(["sleep", "1000"], env={"TMPDIR": str(tmp_path / "work-of-others")})
    try:
        # The kernel shows no environment until the program is loaded, a moment after Popen has returned.
        for process in (ours, other):
            environment = Path(f"/proc/{process.pid}/environ")
            wait_until(lambda environment=environment: environment.read_bytes(), "the environment of the process")
        kill_everything_under(tmp_path / "work")

        assert ours.wait(timeout=20) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_memory_is_counted_by_session():
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        # Right after it was started the kernel may not have counted any memory yet.
        counted = wait_until(lambda: memory_by_session().get(process.pid), "memory of the process")

        assert counted < 100_000_000
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("code", "words"), [(3, "exit status 3"), (-9, "signal: killed"), (-1, "signal: SIGHUP")])
def test_exits_in_lambdas_words(code, words):
    assert describe_exit(code) == words
