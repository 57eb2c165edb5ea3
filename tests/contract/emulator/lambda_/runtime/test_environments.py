"""Execution environments: what a function finds around it, and how its process ends."""

import base64
from concurrent.futures import ThreadPoolExecutor


def test_an_environment_is_used_again(functions):
    name = functions.create()

    assert functions.call(name)["pid"] == functions.call(name)["pid"]


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
