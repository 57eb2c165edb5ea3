"""States take time: what is pending, what goes on serving, what is refused meanwhile."""

import io
import zipfile
from pathlib import Path

import pytest

from emulator.server import Emulator
from tests.support.emulator.lambda_functions import Functions, zip_of
from tests.support.emulator.waiting import wait_until

ANSWERS = "def handler(event, context): return {!r}"


@pytest.fixture(scope="module")
def functions():
    """Functions of a whole emulator, with its own delays."""
    with Emulator() as emulator:
        yield Functions(emulator.client)


def corrupt_zip() -> bytes:
    """A zip whose directory is right and whose file's checksum is not."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("app.py", "def handler(event, context): return 1")
    return buffer.getvalue().replace(b"return 1", b"return 2", 1)


def test_a_new_function_is_pending_until_it_is_active(functions):
    name = functions.create(wait=False)

    pending = functions.client.get_function_configuration(FunctionName=name)
    assert (pending["State"], pending["StateReasonCode"]) == ("Pending", "Creating")
    with pytest.raises(functions.client.exceptions.ResourceConflictException, match="Pending"):
        functions.call(name)
    with pytest.raises(functions.client.exceptions.ResourceConflictException, match="Pending"):
        functions.client.update_function_code(FunctionName=name, ZipFile=zip_of(ANSWERS.format(1)))

    functions.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02})
    active = functions.client.get_function_configuration(FunctionName=name)
    assert (active["State"], active["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in active


def test_the_old_code_serves_until_the_update_is_done(functions):
    name = functions.create(ANSWERS.format("old"))

    updating = functions.client.update_function_code(FunctionName=name, ZipFile=zip_of(ANSWERS.format("new")))

    assert (updating["State"], updating["LastUpdateStatus"]) == ("Active", "InProgress")
    assert functions.call(name) == "old"
    functions.updated(name)
    assert functions.call(name) == "new"


def test_nothing_else_happens_to_a_function_while_it_is_updated(functions):
    name = functions.create()
    client = functions.client
    client.update_function_configuration(FunctionName=name, Description="changed")

    for refused in (
        lambda: client.update_function_configuration(FunctionName=name, Description="again"),
        lambda: client.update_function_code(FunctionName=name, ZipFile=zip_of(ANSWERS.format(1))),
        lambda: client.publish_version(FunctionName=name),
    ):
        with pytest.raises(client.exceptions.ResourceConflictException, match="update is in progress") as error:
            refused()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409

    functions.updated(name)
    assert client.publish_version(FunctionName=name)["Version"] == "1"


def test_an_update_that_fails_says_why_and_leaves_the_old_code_serving(functions):
    name = functions.create(ANSWERS.format("old"))

    functions.client.update_function_code(FunctionName=name, ZipFile=corrupt_zip())
    now = wait_until(lambda: functions.when("LastUpdateStatus", "InProgress", FunctionName=name), "the update")

    assert (now["State"], now["LastUpdateStatus"]) == ("Active", "Failed")
    assert now["LastUpdateStatusReasonCode"] == "InvalidZipFileException"
    assert "Bad CRC-32" in now["LastUpdateStatusReason"]
    assert functions.call(name) == "old"
    with pytest.raises(functions.client.exceptions.ResourceConflictException, match="Failed"):
        functions.client.publish_version(FunctionName=name)
    functions.update(name, ANSWERS.format("repaired"))
    assert functions.call(name) == "repaired"


def test_a_function_that_cannot_be_made_is_failed(functions):
    name = functions.create(wait=False, Code={"ZipFile": corrupt_zip()})

    now = wait_until(lambda: functions.when("State", "Pending", FunctionName=name), "the failure")

    assert (now["State"], now["StateReasonCode"]) == ("Failed", "InvalidZipFileException")


def test_environments_of_replaced_code_are_not_used_again(functions):
    name = functions.create("import os\ndef handler(event, context): return os.getpid()")
    before = functions.call(name)

    functions.client.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "1"}})
    functions.updated(name)

    assert functions.call(name) != before
    wait_until(lambda: not Path(f"/proc/{before}").exists(), "the end of the environment")


def test_a_deleted_function_is_gone_at_once_with_its_versions(functions):
    name = functions.create()
    functions.publish(name)

    functions.client.delete_function(FunctionName=name)

    for qualifier in ({}, {"Qualifier": "1"}):
        with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
            functions.call(name, **qualifier)
    functions.create(FunctionName=name)
    assert functions.call(name)["version"] == "$LATEST"


def test_create_and_update_publish_when_asked(functions):
    name = functions.create(Publish=True)
    assert [v["Version"] for v in functions.client.list_versions_by_function(FunctionName=name)["Versions"]] == [
        "$LATEST",
        "1",
    ]

    updated = functions.client.update_function_code(
        FunctionName=name, ZipFile=zip_of(ANSWERS.format("new")), Publish=True
    )

    assert updated["Version"] == "2"
    functions.client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier="2", WaiterConfig={"Delay": 0.02}
    )
    assert functions.call(name, Qualifier="2") == "new"
