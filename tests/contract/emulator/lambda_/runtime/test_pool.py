"""Limits of environments and of init, with a service whose limits are small."""

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from tests.support.emulator.metrics import Metrics


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
