"""Starting and stopping the emulator."""

import socket
import threading
import urllib.request

import pytest

from emulator.errors import EmulatorError
from emulator.server import Emulator
from tests.support.ports import own_port


def test_emulators_follow_one_another_and_forget_everything():
    urls = set()
    for _ in range(2):
        with Emulator() as aws:
            urls.add(aws.endpoint_url)
            assert aws.client("s3").list_buckets()["Buckets"] == []
            aws.client("s3").create_bucket(Bucket="left-behind")
            aws.client("iam").create_role(RoleName="left-behind", AssumeRolePolicyDocument="{}")
    assert len(urls) == 2
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("emulator")]


def test_a_stopped_emulator_does_not_answer():
    aws = Emulator(port=own_port()).start()
    aws.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(aws.endpoint_url)  # noqa: S310
    aws.stop()  # once more is no error


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        port = own_port()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(EmulatorError, match=f"port {port} on 127.0.0.1 is in use"):
            Emulator(port=port).start()
    with Emulator(port=port) as aws:
        assert aws.endpoint_url == f"http://127.0.0.1:{port}"


def test_a_time_scale_must_be_positive():
    with pytest.raises(EmulatorError, match="greater than 0"):
        Emulator(time_scale=0)


def test_there_is_one_emulator_at_a_time(aws):
    with pytest.raises(EmulatorError, match="running in this process already"):
        Emulator().start()
