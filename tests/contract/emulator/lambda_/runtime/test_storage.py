"""The limit of a function's /tmp."""

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
