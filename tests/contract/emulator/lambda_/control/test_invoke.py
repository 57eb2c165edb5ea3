"""Invoke: answers, errors, limits of payloads, events and dry runs."""

import base64
import json

import pytest

from tests.support.emulator.waiting import wait_until


def test_an_answer_comes_back_with_the_version_that_gave_it(functions):
    name = functions.create()

    answer = functions.client.invoke(FunctionName=name, Payload=b'{"a": 1}')

    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["Payload"].read())["event"] == {"a": 1}


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
    wait_until((tmp_path / "done").exists, "the second try")
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
