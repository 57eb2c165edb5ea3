"""Invoke: answers, errors, limits, and what a function finds around it."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.lambda_service.lambda_functions import wait_until

MISBEHAVING = """
    import ctypes, json, os, subprocess, sys, time

    def handler(event, context):
        match event["do"]:
            case "raise":
                raise KeyError("nope")
            case "exit":
                os._exit(3)
            case "hang":
                subprocess.Popen(["sleep", "1000"])
                time.sleep(1000)
            case "grow":
                held = b"x" * 600_000_000
                time.sleep(900)
            case "answer":
                return "x" * event["bytes"]
            case "set":
                return {1, 2}
        return {"pid": os.getpid()}
"""


@pytest.fixture(scope="module")
def misbehaving(functions):
    return functions.create(MISBEHAVING, Timeout=1)


def test_an_answer_comes_back_with_the_version_that_gave_it(functions):
    name = functions.create()

    answer = functions.client.invoke(FunctionName=name, Payload=b'{"a": 1}')

    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["Payload"].read())["event"] == {"a": 1}


def test_an_environment_is_used_again(functions):
    name = functions.create()

    assert functions.call(name)["pid"] == functions.call(name)["pid"]


def test_an_empty_payload_is_an_empty_event(functions):
    name = functions.create()

    assert json.loads(functions.client.invoke(FunctionName=name)["Payload"].read())["event"] == {}


def test_the_qualifier_decides_which_version_runs(functions):
    name = functions.create("def handler(event, context): return 'old'")
    version = functions.publish(name)
    functions.update(name, "def handler(event, context): return 'new'")

    assert functions.call(name) == "new"
    assert functions.call(name, Qualifier=version) == "old"
    assert functions.call(f"{name}:{version}") == "old"
    assert functions.call(f"arn:aws:lambda:us-east-1:123456789012:function:{name}:{version}") == "old"


def test_a_payload_that_speaks_of_a_qualifier_is_only_a_payload(functions):
    name = functions.create()

    assert functions.call(name, {"Qualifier": "7"})["event"] == {"Qualifier": "7"}


def test_a_raised_exception_is_a_function_error_with_its_type_and_message(functions, misbehaving):
    error = functions.error(misbehaving, {"do": "raise"})

    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'nope'")


def test_an_answer_that_is_no_json_is_a_function_error(functions, misbehaving):
    assert functions.error(misbehaving, {"do": "set"})["errorType"] == "Runtime.MarshalError"


def test_a_process_that_exits_is_reported_and_replaced(functions, misbehaving):
    before = functions.call(misbehaving, {"do": "nothing"})

    error = functions.error(misbehaving, {"do": "exit"})

    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert functions.call(misbehaving, {"do": "nothing"}) != before


def test_a_function_that_takes_too_long_is_killed(functions, misbehaving):
    error = functions.error(misbehaving, {"do": "hang"})

    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert functions.call(misbehaving, {"do": "nothing"})


def test_a_function_that_outgrows_its_memory_is_killed(functions):
    name = functions.create(MISBEHAVING, Timeout=900, MemorySize=512)

    error = functions.error(name, {"do": "grow"})

    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_memory_of_child_processes_counts(functions):
    name = functions.create(
        """
        import subprocess, sys

        def handler(event, context):
            subprocess.run([sys.executable, "-c", "import time; held = b'x' * 300_000_000; time.sleep(900)"])
        """,
        Timeout=900,  # so that nothing but its memory ends it
    )

    assert functions.error(name)["errorType"] == "Runtime.ExitError"


def test_files_in_memory_count(functions):
    name = functions.create(
        """
        import os

        def handler(event, context):
            held = os.memfd_create("bundle")
            for _ in range(event):
                os.write(held, bytes(1024 * 1024))
            os.close(os.dup(held))
            return event
        """,
        MemorySize=256,
    )
    assert functions.call(name, 20) == 20

    assert functions.error(name, 300)["errorType"] == "Runtime.ExitError"


def test_an_answer_of_six_megabytes_passes_and_a_larger_one_does_not(functions, misbehaving):
    assert len(functions.call(misbehaving, {"do": "answer", "bytes": 6_291_000})) == 6_291_000

    error = functions.error(misbehaving, {"do": "answer", "bytes": 6_300_000})

    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert functions.call(misbehaving, {"do": "nothing"})


def test_a_payload_of_more_than_six_megabytes_is_refused(functions, misbehaving):
    with pytest.raises(functions.client.exceptions.RequestTooLargeException):
        functions.call(misbehaving, "x" * 6_291_456)


def test_a_payload_that_is_no_json_is_refused(functions, misbehaving):
    with pytest.raises(functions.client.exceptions.InvalidRequestContentException):
        functions.client.invoke(FunctionName=misbehaving, Payload=b"{")


def test_what_is_not_there_is_not_found(functions):
    name = functions.create()

    for missing in ({"FunctionName": "nobody"}, {"FunctionName": name, "Qualifier": "9"},
                    {"FunctionName": name, "Qualifier": "live"}):  # fmt: skip
        with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
            functions.client.invoke(**missing)


def test_a_dry_run_answers_and_runs_nothing(functions):
    name = functions.create("raise SystemExit('init must not run')")

    assert functions.client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204


def test_an_event_is_accepted_at_once_and_tried_again_until_it_succeeds(functions, tmp_path):
    name = functions.create(
        """
        from pathlib import Path

        def handler(event, context):
            tries = Path(event["folder"])
            (tries / str(len(list(tries.iterdir())))).write_text(context.aws_request_id)
            if len(list(tries.iterdir())) < 2:
                raise RuntimeError("not yet")
            (tries / "done").touch()
        """
    )

    accepted = functions.client.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps({"folder": str(tmp_path)})
    )

    assert accepted["StatusCode"] == 202
    assert accepted["Payload"].read() == b""
    wait_until((tmp_path / "done").exists)
    assert (tmp_path / "0").read_text() == (tmp_path / "1").read_text()


def test_the_log_tail_comes_on_request(functions):
    name = functions.create(
        """
        print("in init")

        def handler(event, context):
            print("in the handler")
        """
    )

    answer = functions.client.invoke(FunctionName=name, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode().splitlines()

    assert tail[0].startswith("START RequestId: ")
    assert tail[1] == "in the handler"
    assert tail[2].startswith("END RequestId: ")
    assert "Init Duration: " in tail[3]
    assert "LogResult" not in functions.client.invoke(FunctionName=name)


def test_the_context_says_who_called_and_how(functions):
    name = functions.create(
        """
        def handler(event, context):
            return {
                "arn": context.invoked_function_arn,
                "custom": context.client_context.custom,
                "left": context.get_remaining_time_in_millis(),
                "memory": context.memory_limit_in_mb,
            }
        """,
        Timeout=30,
        MemorySize=256,
    )
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")

    seen = functions.call(
        name, Qualifier="live", ClientContext=base64.b64encode(b'{"custom": {"tenant": "a"}}').decode()
    )

    assert seen["arn"] == f"arn:aws:lambda:us-east-1:123456789012:function:{name}:live"
    assert seen["custom"] == {"tenant": "a"}
    assert 0 < seen["left"] <= 30_000
    assert seen["memory"] == "256"


def test_a_function_finds_its_own_world_and_nothing_of_the_emulators(functions, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_DEVELOPER", "x")
    name = functions.create(
        """
        import os, tempfile, boto3

        def handler(event, context):
            boto3.client("iam")
            return {
                "variables": dict(os.environ),
                "scratch": tempfile.gettempdir(),
                "home": os.listdir(os.path.expanduser("~")),
                "who": boto3.client("sts").get_caller_identity()["Arn"],
            }
        """,
        Environment={"Variables": {"GREETING": "hello"}},
        MemorySize=512,
    )

    seen = functions.call(name)

    assert seen["variables"]["GREETING"] == "hello"
    assert "SECRET_OF_THE_DEVELOPER" not in seen["variables"]
    assert seen["scratch"] == seen["variables"]["TMPDIR"]
    assert seen["home"] == []
    assert seen["who"] == f"arn:aws:sts::123456789012:assumed-role/runs-functions/{name}"


def test_requests_at_the_same_time_run_in_environments_of_their_own(functions):
    name = functions.create(
        """
        import os, time

        def handler(event, context):
            time.sleep(0.3)
            return os.getpid()
        """
    )

    with ThreadPoolExecutor(4) as threads:
        pids = set(threads.map(lambda _: functions.call(name), range(4)))

    assert len(pids) == 4


def test_an_init_error_is_the_answer_with_its_real_type(functions):
    for source, error_type, message in (
        ("import no_such_module", "Runtime.ImportModuleError", "No module named 'no_such_module'"),
        ("raise ValueError('broken at init')", "ValueError", "broken at init"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("import os; os._exit(4)", "Runtime.ExitError", "exit status 4"),
    ):
        error = functions.error(functions.create(source))

        assert error["errorType"] == error_type
        assert message in error["errorMessage"]
