"""functions/inference/app.py in a process of its own, with a release beside it and without."""

import base64
import io
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.contract.serving.conftest import Run
from tests.unit.serving.archives import IMAGE, TENSOR, Stored, members, tar_gz

EVENTS = Path(__file__).parents[2] / "events"
DOUBLED = {"output": [[2.0, 4.0, 6.0, 8.0]], "version": "3"}


def recorded(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def png(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 4), level).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    """What listens where X-Ray's daemon would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)  # noqa: FBT003
        yield listener


def received(daemon: socket.socket) -> str:
    data = b""
    try:
        while True:
            data += daemon.recv(65_536)
    except BlockingIOError:
        return data.decode()


def test_without_a_release_every_caller_is_told_that_nothing_is_published(run: Callable[..., Run]) -> None:
    done = run(None, [{"input": [[1]]}, recorded("http_api"), [], {"look": "'torch' in __import__('sys').modules"}])

    direct, over_http, other, has_torch = done.answers
    assert (direct["statusCode"], direct["error"]) == (503, "NothingPublished")
    assert (over_http["statusCode"], json.loads(over_http["body"])["error"]) == (503, "NothingPublished")
    assert other["error"] == "NothingPublished"
    assert has_torch is False  # it would only make every cold start slower
    assert [line["NothingPublished"] for line in done.log if "_aws" in line] == [[1.0], [1.0], [1.0]]


def test_a_released_model_answers_every_kind_of_event(run: Callable[..., Run], tmp_path: Path) -> None:
    names = ["direct_call", "function_url", "function_url_base64", "http_api", "http_api_base64"]
    done = run(Stored(tar_gz(members(TENSOR))), [recorded(name) for name in names])

    direct, *over_http = done.answers
    assert direct == DOUBLED
    assert [(answer["statusCode"], json.loads(answer["body"])) for answer in over_http] == [(200, DOUBLED)] * 4
    assert list((tmp_path / "tmp").iterdir()) == []  # the unpacked archive is not part of the snapshot
    for line in (line for line in done.log if line.get("message") == "answered"):
        assert (line["release"], line["execution"]) == ("m-1", "run-1")
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in done.log if "_aws" in line} == {"ModelTools"}


def test_a_bad_request_is_no_function_error_and_leaves_no_trace_of_itself(
    run: Callable[..., Run], daemon: socket.socket
) -> None:
    variables = {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}"}
    secret = "c2VjcmV0"  # what a caller sent and may not be found anywhere
    requests: list[object] = [
        {"input": [[secret]]},
        {secret: 1},
        recorded("http_api") | {"body": secret},
        recorded("http_api") | {"rawPath": "/" + secret},
    ]

    done = run(Stored(tar_gz(members(TENSOR))), requests, variables)

    assert [answer["statusCode"] for answer in done.answers] == [400, 400, 400, 404]
    assert [line["BadRequests"] for line in done.log if "_aws" in line] == [[1.0]] * 4
    assert secret not in json.dumps(done.log) + done.stderr
    segments = received(daemon)
    assert "lambda_handler" in segments
    assert secret not in segments


def test_an_archive_that_is_not_the_released_one_stops_the_function_at_init(run: Callable[..., Run]) -> None:
    stored = Stored(tar_gz(members(TENSOR)))
    stored.data = stored.data[:-20] + b"\0" * 20

    done = run(stored, [recorded("direct_call")])

    assert done.exit_code != 0
    assert "ArchiveDamaged" in done.stderr
    assert done.answers == []


def test_what_must_differ_between_restored_environments_does(
    run: Callable[..., Run], put: Callable[[str, bytes], None]
) -> None:
    put("s3://pictures/bright.png", png(255))
    random_numbers = {
        "look": "[__import__('random').random(), __import__('torch').rand(1).item(), "
        "__import__('numpy').random.rand(1).item()]"
    }
    threads = {"look": "__import__('torch').get_num_threads()"}
    seed = {
        "look": "[__import__('random').seed(1), __import__('torch').manual_seed(1) and None, "
        "__import__('numpy').random.seed(1)]"
    }
    image = {"url": "s3://pictures/bright.png"}
    done = run(
        Stored(tar_gz(members(IMAGE))),
        [
            *("snapshot", threads, {"look": "id(s3)"}),
            *(seed, "restore", random_numbers, image),
            *(seed, "restore", random_numbers, threads, {"look": "id(s3)"}),
            {"look": "len(__import__('os').sched_getaffinity(0))"},
        ],
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "ALLOWED_IMAGE_BUCKETS": "others, pictures"},
    )

    frozen, client, _, first, answer, _, second, thawed, new_client, processors = done.answers
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert (frozen, thawed) == (1, processors)
    assert client != new_client
    assert (answer["class"], answer["version"]) == ("bright", "3")


def test_images_come_from_the_buckets_that_the_operator_named_and_no_others(
    run: Callable[..., Run], put: Callable[[str, bytes], None], daemon: socket.socket
) -> None:
    put("s3://pictures/private-name.png", png(0))
    put("s3://secrets/x.png", png(0))
    put("s3://pictures/huge.png", b"\0" * ((20 << 20) + 1))
    urls = [
        "s3://pictures/private-name.png",
        "s3://secrets/x.png",
        "s3://pictures/none.png",
        "s3://pictures/huge.png",
        "s3://pictures",
        "s3://pictures/",
        "s3://pictures/" + "k" * 1025,
        "s3://pictures/\ud800",
        "http://127.0.0.1/",
        "http://\ud800/",
    ]

    done = run(
        Stored(tar_gz(members(IMAGE))),
        [{"url": url} for url in urls],
        {
            "ALLOWED_IMAGE_BUCKETS": "pictures",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
        },
    )

    assert done.exit_code == 0, done.stderr
    assert done.answers[0]["class"] == "dark"
    assert [answer["statusCode"] for answer in done.answers[1:]] == [400] * 9
    assert "that bucket" in done.answers[1]["message"]
    assert "private-name" not in received(daemon) + json.dumps(done.log)


def test_images_come_from_hosts_that_the_operator_named(run: Callable[..., Run], endpoint: str) -> None:
    """The endpoint of the test's own S3 will do as a web host."""
    host = endpoint.removeprefix("http://")
    requests = [{"url": f"{endpoint}/none/none.png"}, {"image": base64.b64encode(png(0)).decode()}]

    done = run(Stored(tar_gz(members(IMAGE))), requests, {"ALLOWED_FETCH_HOSTS": host})

    assert done.answers[0]["message"] == "the URL answers 404."
    assert done.answers[1]["class"] == "dark"
