"""The front door in front of an application of the test's own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.gateway.front_door import CALLER, FrontDoor


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param(
            {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/lambda/aws4_request, S=h"},
            id="header",
        ),
        pytest.param(
            {"QUERY_STRING": "X-Amz-Credential=KEY%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=x"},
            id="query",
        ),
    ],
)
def test_everybody_inside_sees_who_called(environ):
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return []

    FrontDoor(app, lambda key: f"caller {key}")(environ, None)
    assert seen[CALLER] == "caller KEY"


def test_one_request_at_a_time_reaches_a_service_that_checks_and_then_acts():
    inside = threading.Semaphore(0)
    leave = threading.Event()
    present, most = [], []

    def app(environ, start_response):
        present.append(1)
        most.append(len(present))
        inside.release()
        leave.wait(0.05)
        present.pop()
        return []

    door = FrontDoor(app, lambda key: key)
    environ = {"HTTP_AUTHORIZATION": "AWS4 Credential=K/d/us-east-1/dynamodb/aws4_request"}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: door(dict(environ), None), range(4)))
    assert max(most) == 1
