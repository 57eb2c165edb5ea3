import os
import socket
import stat
import subprocess
import sys

import pytest

from model_tools.cli.connection import ConnectionOptions, find_target
from model_tools.cli.errors import UserError
from model_tools.cli.local_state import (
    RunningEmulator,
    find_emulator,
    remove_state,
    running_emulator,
    state_path,
    write_state,
)
from tests.support.ports import own_port


@pytest.fixture
def path(tmp_path):
    return state_path({"XDG_RUNTIME_DIR": str(tmp_path)})


@pytest.fixture
def emulator():
    """Something that takes connections, in a process that lives: this one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield RunningEmulator(url, "us-east-1", "mine", os.getpid())


def test_what_local_up_writes_is_what_local_finds(path, emulator):
    write_state(path, emulator)

    assert find_emulator(path) == emulator
    target, stack = find_target(ConnectionOptions(local=True), {"XDG_RUNTIME_DIR": str(path.parent.parent)})
    assert (target.endpoint_url, target.region, stack) == (emulator.endpoint_url, "us-east-1", "mine")


def test_the_file_is_for_its_user_alone(path, emulator):
    write_state(path, emulator)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_a_runtime_folder_each_user_has_one_in_the_temporary_folder():
    assert state_path({}).parent.name == f"model-tools-{os.getuid()}"


def test_without_an_emulator_one_is_told_how_to_start_it(path):
    with pytest.raises(UserError, match=r"No emulator is running\. Start one with `model-tools local up`"):
        find_emulator(path)


def test_an_emulator_whose_process_is_gone_is_stale(path, emulator):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write_state(path, RunningEmulator(emulator.endpoint_url, "us-east-1", "mine", child.pid))

    with pytest.raises(UserError, match=r"is gone\. Start one with"):
        find_emulator(path)


def test_an_emulator_that_takes_no_connection_is_stale(path):
    write_state(path, RunningEmulator(f"http://127.0.0.1:{own_port()}", "us-east-1", "mine", os.getpid()))

    assert running_emulator(path) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="without fields"),
        pytest.param('{"endpoint_url": 1}', id="wrong type of a field"),
        pytest.param("[]", id="a list"),
    ],
)
def test_a_damaged_file_is_as_good_as_none(path, text):
    path.parent.mkdir(mode=0o700)
    path.write_text(text)

    assert running_emulator(path) is None
    remove_state(path, 1)


def test_a_file_that_leads_to_another_machine_is_refused(path, emulator):
    write_state(path, RunningEmulator("http://example.com:80", "us-east-1", "mine", os.getpid()))

    with pytest.raises(UserError, match="not this machine"):
        find_emulator(path)


def test_a_folder_that_others_can_write_to_is_refused(path, emulator):
    write_state(path, emulator)
    path.parent.chmod(0o777)

    with pytest.raises(UserError, match="open to others"):
        find_emulator(path)
    with pytest.raises(UserError, match="open to others"):
        write_state(path, emulator)


def test_only_the_emulator_that_the_file_speaks_of_removes_it(path, emulator):
    write_state(path, emulator)
    remove_state(path, emulator.pid + 1)
    assert path.exists()
    remove_state(path, emulator.pid)
    assert not path.exists()


def test_two_places_at_once_are_refused():
    with pytest.raises(UserError, match="give one of them"):
        find_target(ConnectionOptions(local=True, endpoint_url="http://127.0.0.1:1"), {})


@pytest.mark.parametrize(
    ("options", "environ", "endpoint", "region", "stack"),
    [
        pytest.param(ConnectionOptions(), {}, None, None, "model-tools", id="neither"),
        pytest.param(
            ConnectionOptions(),
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "eu-west-1", "MODEL_TOOLS_STACK": "prod"},
            "http://127.0.0.1:9",
            "eu-west-1",
            "prod",
            id="environment",
        ),
        pytest.param(
            ConnectionOptions(endpoint_url="http://127.0.0.1:8", region="us-west-2", stack="mine"),
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "eu-west-1", "MODEL_TOOLS_STACK": "prod"},
            "http://127.0.0.1:8",
            "us-west-2",
            "mine",
            id="both",
        ),
    ],
)
def test_an_option_wins_over_the_environment(options, environ, endpoint, region, stack):
    target, name = find_target(options, environ)

    assert (target.endpoint_url, target.region, name) == (endpoint, region, stack)
