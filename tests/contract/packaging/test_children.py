"""What a child process sees, and what becomes of its parent whatever it does."""

import ctypes
import re
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from model_tools.errors import CheckpointRejected, ModelTooLarge, PublishError, TraceFailed
from model_tools.packaging.children.workers import Workers
from tests.support.emulator.waiting import wait_until
from tests.support.packaging.odd_child import OddJob, OddResult

PR_GET_DUMPABLE = 3


ODD_CHILD = "tests.support.packaging.odd_child"


def run(code: str, scratch: Path, seconds: float = 60.0, workers: Workers | None = None) -> OddResult:
    job = OddJob(code=textwrap.dedent(code))
    with Workers() if workers is None else nullcontext(workers) as running:
        return running.run(
            ODD_CHILD, job, OddResult, modules=[ODD_CHILD], scratch=scratch, cwd=scratch, seconds=seconds
        )


def is_gone(pid: str) -> bool:
    status = Path("/proc", pid, "stat")
    return not status.exists() or ") Z " in status.read_text()


def test_a_child_answers(tmp_path):
    assert run("told = 6 * 7", tmp_path).told == 42


def test_a_child_sees_no_credentials_neither_its_own_nor_its_parents(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "API_PASSWORD"):
        monkeypatch.setenv(name, "secret-of-the-parent")
    seen = run(
        """
        import os
        told = {"environment": dict(os.environ)}
        for name in ("environ", "mem"):
            try:
                told[name] = open(f"/proc/{os.getppid()}/{name}", "rb").read(1).hex()
            except OSError as error:
                told[name] = type(error).__name__
        """,
        tmp_path,
    ).told
    assert not [name for name in seen["environment"] if name.startswith("AWS_")]
    assert "secret-of-the-parent" not in seen["environment"].values()
    assert (seen["environ"], seen["mem"]) == ("PermissionError", "PermissionError")
    # Root's children are kept out by their lack of capabilities, everybody else's by this.
    assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        pytest.param("import os; os._exit(7)", TraceFailed, "ends its process with os._exit", id="leaves by os exit"),
        pytest.param(
            "import os; os._exit(0)", TraceFailed, "ends its process with os._exit", id="leaves without fault"
        ),
        pytest.param(
            "import ctypes; ctypes.CDLL(None)._exit(7)",
            TraceFailed,
            "ended its process before it had an answer",
            id="is left by a library",
        ),
        pytest.param(
            "import ctypes; ctypes.CDLL(None)._exit(0)",
            TraceFailed,
            "ended its process before it had an answer",
            id="is left by a library without fault",
        ),
        pytest.param("raise ValueError('of its own')", TraceFailed, "fails: ValueError: of its own. ", id="raises"),
        pytest.param("raise SystemExit(2)", TraceFailed, "fails: SystemExit: 2. ", id="asks to exit"),
        pytest.param("raise MemoryError", ModelTooLarge, "memory ran out", id="runs out of memory"),
        pytest.param(
            "import os; os.kill(os.getpid(), 9)",
            ModelTooLarge,
            "as the kernel does when memory runs out",
            id="is killed",
        ),
        pytest.param("import os; os.kill(os.getpid(), 11)", TraceFailed, "crashed its process (SIGSEGV)", id="crashes"),
        pytest.param(
            "import os; print('last \\x1b[31mwords', flush=True); os.kill(os.getpid(), 6)",
            TraceFailed,
            "It last wrote: last words",
            id="prints escape codes",
        ),
        pytest.param(
            "import os; os.symlink('/etc/passwd', scratch / 'result.json'); os._exit(0)",
            TraceFailed,
            "without its result (Too many levels of symbolic links)",
            id="leaves a link as its result",
        ),
        pytest.param(
            "import os; os.mkfifo(scratch / 'result.json'); os._exit(0)",
            TraceFailed,
            "by something that is no file",
            id="leaves a pipe as its result",
        ),
        pytest.param(
            "import os; (scratch / 'last_step.txt').mkdir(); os.kill(os.getpid(), 6)",
            TraceFailed,
            "crashed its process (SIGABRT). ",
            id="leaves a folder as its last step",
        ),
        pytest.param(
            "import os; (scratch / 'result.json').write_text('{}'); os._exit(0)",
            TraceFailed,
            "is not understood",
            id="leaves another result",
        ),
        pytest.param(
            "from model_tools.errors import *; raise CheckpointRejected('said so')",
            CheckpointRejected,
            "said so",
            id="raises an error of ours",
        ),
        pytest.param(
            "from model_tools.errors import *; raise SmokeTestFailed('not its business')",
            TraceFailed,
            "not its business",
            id="raises an error that is not its business",
        ),
    ],
)
def test_whatever_a_child_does_its_parent_has_an_error_with_a_message(tmp_path, code, error, told):
    with pytest.raises(PublishError) as caught:
        run(code, tmp_path)
    assert type(caught.value) is error
    assert told in str(caught.value)
    assert not re.search(r"exited with|status \d|Traceback|File \"|model_tools", str(caught.value))


def test_a_result_that_claims_an_error_of_another_kind_is_not_believed(tmp_path):
    forged = '{"status":"refused","error":"LeaseLost","message":"go away"}'
    with pytest.raises(TraceFailed, match="is not understood"):
        run(f"import os; (scratch / 'result.json').write_text('{forged}'); os._exit(0)", tmp_path)


def test_a_child_that_hangs_is_killed_with_all_that_it_started(tmp_path):
    code = """
        import subprocess, time
        group = subprocess.Popen(["sleep", "600"], process_group=0)
        (scratch / "pid").write_text(str(group.pid))
        time.sleep(600)
    """
    with pytest.raises(TraceFailed, match="was not ready within 2 s"):
        run(code, tmp_path, seconds=2)
    assert is_gone((tmp_path / "pid").read_text())


def test_what_a_child_leaves_running_ends_with_it(tmp_path):
    code = """
        import subprocess, threading, time
        left = subprocess.Popen(["sleep", "600"], process_group=0)
        threading.Thread(target=time.sleep, args=(600,)).start()
        told = left.pid
    """
    assert is_gone(str(run(code, tmp_path).told))


def test_an_earlier_result_is_not_taken_for_this_ones(tmp_path):
    run("told = 1", tmp_path)
    with pytest.raises(TraceFailed, match="before it had an answer"):
        run("import ctypes; ctypes.CDLL(None)._exit(0)", tmp_path)


def test_what_one_child_does_to_its_process_is_unknown_to_the_next(tmp_path):
    change = "import json, os; json.dumps = None; os.environ['LEFT'] = 'behind'; os.chdir('/'); told = os.getpid()"
    look = (
        "import json, os; told = [callable(json.dumps), 'LEFT' in os.environ, os.getcwd() == str(scratch), os.getpid()]"
    )
    with Workers() as workers:
        pid = run(change, tmp_path, workers=workers).told
        *untouched, other_pid = run(look, tmp_path, workers=workers).told

    assert untouched == [True, False, True]
    assert other_pid != pid


def test_a_child_that_ends_the_process_that_it_comes_from_is_refused_and_the_next_has_another(tmp_path):
    with Workers() as workers:
        with pytest.raises(TraceFailed, match="was ended from outside"):
            run("import os, time; os.kill(os.getppid(), 9); time.sleep(60)", tmp_path, workers=workers)

        assert run("told = 1", tmp_path, workers=workers).told == 1


def test_a_module_that_cannot_be_imported_is_told_with_its_last_words(tmp_path):
    with Workers() as workers, pytest.raises(TraceFailed, match=r"No module named 'tests\.support\.nowhere'"):
        workers.run(
            "tests.support.nowhere", OddJob(code=""), OddResult, modules=["tests.support.nowhere"],
            scratch=tmp_path, cwd=tmp_path, seconds=60,
        )  # fmt: skip


def test_no_child_can_reach_into_the_process_that_the_next_one_comes_from(tmp_path):
    code = """
        import os
        told = {}
        for name in ("environ", "mem", "maps"):
            try:
                told[name] = open(f"/proc/{os.getppid()}/{name}", "rb").read(1).hex()
            except OSError as error:
                told[name] = type(error).__name__
    """
    assert set(run(code, tmp_path).told.values()) == {"PermissionError"}


def run_beside(code: str, scratch: Path, workers: Workers) -> OddResult:
    scratch.mkdir()
    return workers.run(
        ODD_CHILD, OddJob(code=textwrap.dedent(code)), OddResult, modules=[ODD_CHILD], beside=True,
        scratch=scratch, cwd=scratch, seconds=60,
    )  # fmt: skip


def test_two_jobs_run_at_the_same_time_after_one_import(tmp_path):
    meets = """
        import pathlib, os, time
        pathlib.Path({own!r}).touch()
        while not pathlib.Path({other!r}).exists():
            time.sleep(0.01)
        told = os.getppid()
        """
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    with Workers() as workers, ThreadPoolExecutor() as pool:
        workers.prepare([ODD_CHILD])
        workers.prepare([ODD_CHILD], beside=True)
        beside = pool.submit(run_beside, meets.format(own=one, other=other), tmp_path / "beside", workers)
        first = run(meets.format(own=other, other=one), tmp_path, workers=workers)
        assert first.told != beside.result().told
    for server in (first, beside.result()):
        wait_until(lambda server=server: is_gone(str(server.told)), "the end of a server")


def test_a_process_beside_another_that_is_ended_is_refused_and_the_next_job_has_another(tmp_path):
    ends = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    with Workers() as workers:
        with pytest.raises(TraceFailed):
            run_beside(ends, tmp_path / "ended", workers)
        assert run("told = 1", tmp_path, workers=workers).told == 1
        assert run_beside("told = 2", tmp_path / "again", workers).told == 2
        with pytest.raises(TraceFailed):
            run(ends, tmp_path, workers=workers)
        assert run_beside("told = 3", tmp_path / "after", workers).told == 3


def test_no_child_can_reach_into_the_process_that_is_beside_the_first(tmp_path):
    reads = """
        import os
        told = []
        for name in ("environ", "mem"):
            try:
                told.append(open(f"/proc/{os.getppid()}/{name}", "rb").read(1).hex())
            except OSError as error:
                told.append(type(error).__name__)
        """
    with Workers() as workers:
        assert run_beside(reads, tmp_path / "reads", workers).told == ["PermissionError", "PermissionError"]
