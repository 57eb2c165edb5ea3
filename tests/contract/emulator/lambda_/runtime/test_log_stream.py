"""Function logs in CloudWatch Logs: the platform's lines around the function's own."""

import json
import re

import pytest

CHATTY = """
    import logging

    print("at init")

    def handler(event, context):
        print("printed")
        logging.getLogger().error("logged")
        if event == "raise":
            raise ValueError("nothing to see")
        if event == "hang":
            import time
            time.sleep(60)
        if event == "exit":
            import os
            os._exit(1)
"""


@pytest.fixture
def read(functions):
    """Return the messages of a group, stream by stream."""

    def read(group: str) -> dict[str, list[str]]:
        logs = functions.aws("logs")
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        names = [stream["logStreamName"] for stream in streams]
        return {
            name: [
                event["message"]
                for event in logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
            ]
            for name in names
        }

    return read


def test_an_invocation_is_logged_from_init_to_report(functions, read):
    name = functions.create(CHATTY, MemorySize=256)

    request = functions.client.invoke(FunctionName=name)["ResponseMetadata"]
    [(stream, lines)] = read(f"/aws/lambda/{name}").items()

    assert request["HTTPStatusCode"] == 200
    assert re.fullmatch(r"\d{4}/\d{2}/\d{2}/\[\$LATEST\][0-9a-f]{32}", stream)
    assert lines[0].startswith("INIT_START Runtime Version: python3.12")
    assert lines[1] == "at init"
    assert re.fullmatch(r"START RequestId: \S{36} Version: \$LATEST", lines[2])
    assert lines[3] == "printed"
    assert lines[4].startswith("[ERROR]\t")
    assert lines[4].endswith("\tlogged")
    assert lines[5].startswith("END RequestId: ")
    assert re.search(
        r"\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: [1-9]\d* MB"
        r"\tInit Duration: [\d.]+ ms$",
        lines[6],
    )


def test_a_warm_invocation_has_no_init_duration(functions, read):
    name = functions.create(CHATTY)
    functions.call(name)
    functions.call(name)

    [lines] = read(f"/aws/lambda/{name}").values()

    assert ["Init Duration" in line for line in lines if line.startswith("REPORT")] == [True, False]


def test_a_stack_trace_is_one_event(functions, read):
    name = functions.create(CHATTY)
    functions.error(name, "raise")

    [lines] = read(f"/aws/lambda/{name}").values()

    [trace] = [line for line in lines if "Traceback" in line]
    assert trace.startswith("[ERROR] ValueError: nothing to see")


def test_timeouts_and_exits_are_logged_as_lambda_does(functions, read):
    name = functions.create(CHATTY, Timeout=1)
    functions.error(name, "hang")
    functions.error(name, "exit")

    hung, exited = sorted(read(f"/aws/lambda/{name}").values(), key=lambda lines: "timed out" not in str(lines))

    assert any(line.endswith(" Task timed out after 1.00 seconds") for line in hung)
    assert hung[-1].endswith("\tStatus: timeout")
    assert any("Error: Runtime exited with error: exit status 1" in line for line in exited)
    assert exited[-1].endswith("\tStatus: error\tError Type: Runtime.ExitError")


def test_a_snapshot_and_its_environments_log_to_streams_of_the_version(functions, read):
    name, version = functions.snapshot(CHATTY)
    functions.call(name, Qualifier=version)

    streams = read(f"/aws/lambda/{name}")

    assert all(f"/[{version}]" in stream for stream in streams)
    init, restored = sorted(streams.values(), key=lambda lines: "at init" not in lines)
    assert init[0].startswith("INIT_START")
    assert "at init" not in restored
    assert "printed" in restored
    assert "\tRestore Duration: " in restored[-1]
    assert "Init Duration" not in restored[-1]


def test_the_logging_configuration_is_honoured(functions, read):
    name = functions.create(
        CHATTY, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "LogGroup": "/models/all"}
    )
    functions.call(name)

    [lines] = read("/models/all").values()
    events = [json.loads(line) for line in lines if line.startswith("{")]

    assert [event["type"] for event in events if "type" in event] == [
        "platform.initStart",
        "platform.start",
        "platform.report",
    ]
    assert [event["message"] for event in events if event.get("level") == "ERROR"] == ["logged"]
