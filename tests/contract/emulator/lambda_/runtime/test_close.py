"""Stopping: no process, no file, whatever the functions were doing."""

import contextlib
import json
import os
import threading
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tests.support.emulator.waiting import wait_until

BUSY = """
    import os, subprocess, time
    from pathlib import Path

    def handler(event, context):
        subprocess.Popen(["sleep", "1000"])
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        Path(event["started"]).write_text(str(os.getpid()))
        if event["stay"]:
            time.sleep(1000)
"""


def processes_under(folder: Path) -> list[str]:
    """Return the command lines of processes whose scratch folder lies in `folder`."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        with contextlib.suppress(OSError):
            if name.isdigit() and f"TMPDIR={folder}".encode() in Path(f"/proc/{name}/environ").read_bytes():
                found.append(Path(f"/proc/{name}/cmdline").read_text())
    return found


def test_nothing_is_left_of_idle_and_busy_functions_and_their_children(limited_functions, tmp_path):
    work_dir = tmp_path / "lambda"
    with limited_functions() as functions:
        name, version = functions.snapshot(BUSY, Timeout=900)
        functions.call(name, {"started": str(tmp_path / "idle"), "stay": False})

        def stay() -> None:
            with contextlib.suppress(BotoCoreError, ClientError):
                event = json.dumps({"started": str(tmp_path / "busy"), "stay": True})
                functions.client.invoke(FunctionName=name, Qualifier=version, Payload=event)

        busy = threading.Thread(target=stay)
        busy.start()
        wait_until((tmp_path / "busy").exists, "the function")
        assert len(processes_under(work_dir)) >= 7  # the template, two environments, four children

    busy.join()
    assert processes_under(work_dir) == []
    assert not work_dir.exists()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("emulator")] == []


def test_nothing_is_left_of_a_snapshot_that_was_being_taken(limited_functions, tmp_path):
    started = tmp_path / "started"
    with limited_functions() as functions:
        name = functions.create(
            f"""
            import time
            from pathlib import Path

            Path({str(started)!r}).touch()
            time.sleep(1000)
            """,
            SnapStart={"ApplyOn": "PublishedVersions"},
        )
        functions.client.publish_version(FunctionName=name)
        wait_until(started.exists, "the snapshot")

    assert processes_under(tmp_path / "lambda") == []


def test_nothing_is_left_of_a_function_that_was_deleted_while_it_ran(limited_functions, tmp_path):
    with limited_functions() as functions:
        name = functions.create(BUSY, Timeout=900)

        def stay() -> None:
            with contextlib.suppress(BotoCoreError, ClientError):
                event = json.dumps({"started": str(tmp_path / "busy"), "stay": True})
                functions.client.invoke(FunctionName=name, Payload=event)

        busy = threading.Thread(target=stay)
        busy.start()
        wait_until((tmp_path / "busy").exists, "the function")
        functions.client.delete_function(FunctionName=name)

    busy.join()
    assert processes_under(tmp_path / "lambda") == []


def test_children_end_with_their_environment(limited_functions, tmp_path):
    with limited_functions() as functions:
        name = functions.create(BUSY, Timeout=1)

        functions.error(name, {"started": str(tmp_path / "busy"), "stay": True})

        wait_until(lambda: not processes_under(tmp_path / "lambda"), "the end of the children")


def test_a_service_can_follow_another_in_one_process(limited_functions):
    for answer in ("first", "second"):
        with limited_functions() as functions:
            name = functions.create(f"def handler(event, context): return {answer!r}", FunctionName="same-name")
            assert functions.call(name) == answer
