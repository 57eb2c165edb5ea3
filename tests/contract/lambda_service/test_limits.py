"""Limits that take long to reach with Lambda's own numbers: a service with smaller ones."""

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from tests.contract.lambda_service.metrics import Metrics


def test_beyond_environments_and_queue_requests_are_throttled(limited_functions):
    with limited_functions(environments_per_version=1, queued_per_version=1) as functions:
        name = functions.create(
            """
            import time

            def handler(event, context):
                time.sleep(0.5)
                return "done"
            """
        )

        def outcome(_):
            try:
                return functions.call(name)
            except ClientError as error:
                return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]

        with ThreadPoolExecutor(3) as threads:
            outcomes = list(threads.map(outcome, range(3)))

    assert outcomes.count("done") == 2
    assert outcomes.count((429, "TooManyRequestsException")) == 1


def test_an_init_that_takes_too_long_is_tried_once_more_in_the_functions_own_time(limited_functions, tmp_path):
    slow_once = f"""
        import time
        from pathlib import Path

        first = Path({str(tmp_path / "first")!r})
        if not first.exists():
            first.touch()
            time.sleep(60)

        def handler(event, context):
            return "second try"
    """
    with limited_functions(init_seconds=0.5) as functions:
        assert functions.call(functions.create(slow_once, Timeout=30)) == "second try"

        always_slow = functions.create("import time; time.sleep(60)", Timeout=1)

        assert functions.error(always_slow)["errorType"] == "Sandbox.Timedout"


def test_throttles_are_no_invocations(limited_functions):
    with limited_functions(environments_per_version=1, queued_per_version=0) as functions:
        name = functions.create("import time\ndef handler(event, context): time.sleep(0.5)")

        def call(_):
            try:
                functions.call(name)
            except ClientError as error:
                return error.response["Error"]["Code"]

        with ThreadPoolExecutor(2) as threads:
            assert sorted(map(str, threads.map(call, range(2)))) == ["None", "TooManyRequestsException"]
        metrics = Metrics(functions.aws("cloudwatch"))
        assert metrics.get("Throttles", FunctionName=name) == 1
        assert metrics.get("Invocations", FunctionName=name) == 1


def test_a_peak_of_memory_between_two_samples_counts(limited_functions):
    with limited_functions(memory_poll_seconds=600) as functions:
        name = functions.create("""
            def handler(event, context):
                return len(b"x" * event)
        """)
        assert functions.call(name, 1_000_000) == 1_000_000

        assert functions.error(name, 200_000_000)["errorType"] == "Runtime.ExitError"


FILL = """
    import os
    import tempfile
    import time

    def write(megabytes, name="data"):
        with open(os.path.join(tempfile.gettempdir(), name), "wb") as file:
            file.truncate(megabytes * 1024 * 1024)

    {at_init}

    def handler(event, context):
        write(event["megabytes"])
        time.sleep(event.get("seconds", 0))
        return os.getpid()
"""


def test_a_function_that_fills_tmp_is_ended_with_the_limits_name(limited_functions):
    with limited_functions(storage_poll_seconds=600) as functions:
        name = functions.create(FILL.format(at_init=""))
        assert functions.call(name, {"megabytes": 500})

        error = functions.error(name, {"megabytes": 513})

        assert error["errorType"] == "Runtime.ExitError"
        assert "More than the 512 MB of the function's EphemeralStorage were written to /tmp" in error["errorMessage"]
        assert functions.call(name, {"megabytes": 1})

        larger = functions.create(FILL.format(at_init=""), EphemeralStorage={"Size": 1024})
        assert functions.call(larger, {"megabytes": 1000})


def test_a_function_that_goes_on_with_a_full_tmp_is_ended_at_once(limited_functions):
    with limited_functions() as functions:
        name = functions.create(FILL.format(at_init=""), Timeout=600)

        assert "EphemeralStorage" in functions.error(name, {"megabytes": 600, "seconds": 300})["errorMessage"]


def test_what_lies_in_tmp_at_the_snapshot_takes_room_in_every_environment(limited_functions):
    with limited_functions() as functions:
        name, version = functions.snapshot(FILL.format(at_init="write(300, 'model')"))

        assert functions.call(name, {"megabytes": 200}, Qualifier=version)
        assert "EphemeralStorage" in functions.error(name, {"megabytes": 220}, Qualifier=version)["errorMessage"]

        failed = functions.failed_version(FILL.format(at_init="write(600, 'model')"))
        assert failed["StateReasonCode"] == "FunctionError.InitResourceExhausted"
        assert "512 MB" in failed["StateReason"]
