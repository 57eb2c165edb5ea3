"""functions/inference/app.py in a process of its own, with a release beside it and without."""

import base64
import io
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xgboost
from PIL import Image

from model_tools.formats.release_file import RELEASE_VARIABLE, ReleaseFile
from model_tools.formats.runtime_reference import VIRTUAL_ROOT, PartName
from tests.contract.serving.conftest import Run
from tests.support.runtime.bundles import pack_files
from tests.support.serving.archives import IMAGE, TENSOR, Stored, members, model_bytes, tar_gz

EVENTS = Path(__file__).parents[2] / "events"
LIBRARY = f"torch {torch.__version__.partition('+')[0]}"
TORCH = ("torch", "torchgen", "functorch")
DOUBLED = {"output": [[2.0, 4.0, 6.0, 8.0]], "library": LIBRARY, "device": "cpu", "version": "3"}


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
    assert ["seconds" in line for line in done.log if line.get("message") == "started"] == [True]
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
            *("snapshot", threads, {"look": "[len(clients), setattr(s3(), 'of_the_snapshot', True)]"}),
            *(seed, "restore", random_numbers, image),
            *(seed, "restore", random_numbers, threads, {"look": "hasattr(s3(), 'of_the_snapshot')"}),
            {"look": "len(__import__('os').sched_getaffinity(0))"},
        ],
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "ALLOWED_IMAGE_BUCKETS": "others, pictures"},
    )

    frozen, held, _, first, answer, _, second, thawed, is_old_client, processors = done.answers
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert (frozen, thawed) == (1, processors)
    assert held == [0, None]  # no connection is part of the snapshot
    assert is_old_client is False
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


TREES = TENSOR | {"task": "tabular", "format": "xgboost", "library_version": xgboost.__version__}


def trees() -> Stored:
    table = np.arange(80, dtype=np.float32).reshape(20, 4) % 7
    booster = xgboost.train({"max_depth": 2, "nthread": 1}, xgboost.DMatrix(table, label=table.sum(axis=1)), 3)
    return Stored(tar_gz({"manifest.json": json.dumps(TREES).encode(), "model.ubj": bytes(booster.save_raw("ubj"))}))


def test_trees_are_served_where_there_is_neither_torch_nor_pillow(run: Callable[..., Run]) -> None:
    done = run(
        trees(),
        [{"input_X": [1, 2, 3, 4]}, "snapshot", "fork", "restore", {"input_X": [[1, 2, 3, 4]]}],
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
        task_kind="tabular",
        without=(*TORCH, "PIL"),
    )

    assert done.exit_code == 0, done.stderr
    assert done.answers[0]["message"] == "Successful prediction"
    assert done.answers[1]["prediction"] == [done.answers[0]["prediction"]]


def test_without_the_models_library_the_function_says_what_to_do(run: Callable[..., Run]) -> None:
    done = run(Stored(tar_gz(members(TENSOR))), [{"input": [[1, 2, 3, 4]]}], without=TORCH)

    assert done.exit_code != 0
    assert "RuntimeMissing" in done.stderr
    assert "model-tools runtime build --name torch" in done.stderr


def test_another_library_than_the_model_was_proved_with_does_not_serve_it(run: Callable[..., Run]) -> None:
    done = run(Stored(tar_gz(members(TENSOR | {"library_version": "2.0.1+cpu"}))), [{"input": [[1, 2, 3, 4]]}])

    assert done.exit_code != 0
    assert "RuntimeMismatch" in done.stderr
    assert "double was proved with torch 2.0.1" in done.stderr


def test_a_release_in_the_environment_is_served_where_there_is_no_file(
    run: Callable[..., Run], put: Callable[[str, bytes], None]
) -> None:
    """A container image stays as it is from release to release."""
    stored = Stored(tar_gz(members(TENSOR)))
    put(stored.reference.uri, stored.data)
    release = ReleaseFile(release_id="m-1", execution="run-1", archive=stored.reference)

    done = run(None, [recorded("direct_call")], {RELEASE_VARIABLE: release.model_dump_json(exclude_none=True)})

    assert done.answers == [DOUBLED]


def test_results_are_written_to_the_results_bucket(run: Callable[..., Run], put: Callable[[str, bytes], None]) -> None:
    put("s3://results/anything", b"")
    manifest = TENSOR | {"results": {"above_bytes": 1000, "prefix": "answers/"}}
    events = [{"input": [[0.123456789] * 4] * 8}, {"requests": [{"input": [[0.123456789] * 4] * 7}] * 2}]
    stored = {"look": "s3().list_objects_v2(Bucket='results', Prefix='answers/')['Contents'][0]['Size']"}

    done = run(Stored(tar_gz(members(manifest))), [*events, stored], {"RESULTS_BUCKET": "results"})

    assert done.exit_code == 0, done.stderr
    short, long, size = done.answers
    assert (set(short), set(long)) == ({"output", "library", "device", "version"}, {"result", "version"})
    assert long["result"]["key"].startswith("answers/m-1/")
    assert long["result"]["bytes"] == size


def test_results_without_a_bucket_are_told_before_anybody_asks(run: Callable[..., Run]) -> None:
    done = run(Stored(tar_gz(members(TENSOR | {"results": {}}))), [recorded("direct_call")])

    assert done.exit_code != 0
    assert "no RESULTS_BUCKET" in done.stderr


PREDICTOR = b"""
from names import NAMES

def preprocess(request, context):
    return [NAMES[request["name"]], len(context.path("known.txt").read_text())]

def predict(model, inputs):
    return inputs

def respond(output, request):
    return {"answer": output}
"""
CUSTOM = TENSOR | {"task": "custom", "custom": {"predictor": "predictor.py"}}


def custom() -> Stored:
    code = {"code/predictor.py": PREDICTOR, "code/names.py": b"NAMES = {'ada': 7}", "code/known.txt": b"abc"}
    return Stored(tar_gz({**code, **members(TENSOR), "manifest.json": json.dumps(CUSTOM).encode()}))


def test_a_models_own_code_outlives_the_snapshot_and_its_model_file_does_not(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    done = run(
        custom(), ["snapshot", "fork", "restore", {"name": "ada"}],
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, task_kind="custom",
    )  # fmt: skip

    assert done.answers == [{"answer": [7, 3], "version": "3"}], done.stderr
    left = {path.name for path in (tmp_path / "tmp").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert left == {"predictor.py", "names.py", "known.txt", "manifest.json", "parity.json"}


def test_a_model_that_fails_leaves_nothing_of_the_request_in_log_or_trace(
    run: Callable[..., Run], daemon: socket.socket
) -> None:
    variables = {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}"}

    done = run(custom(), [{"name": "c2VjcmV0"}], variables, task_kind="custom")

    logged = json.dumps(done.log)
    assert "[1.0]" in json.dumps([line["Failures"] for line in done.log if "_aws" in line])
    # What Lambda logs is the error's class, its message and its trace: the last lines that this process wrote.
    assert done.stderr.rstrip().endswith(
        "ModelFailed: the predictor's preprocess failed with KeyError (predictor.py, line 5, in preprocess)"
    )
    assert "c2VjcmV0" not in logged + done.stderr + received(daemon)


class Heavy(torch.nn.Module):
    """[N, 4] → [N, 4] through 40 MB of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.widen, self.mix, self.narrow = (
            torch.nn.Linear(*sizes, bias=False) for sizes in ((4, 3200), (3200, 3200), (3200, 4))
        )
        for parameter in self.parameters():
            torch.nn.init.constant_(parameter, 1e-3)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.narrow(self.mix(self.widen(rows)))


def test_the_first_request_does_not_copy_the_model_that_all_environments_share(run: Callable[..., Run]) -> None:
    stored = Stored(tar_gz(members(TENSOR) | {"model.pt": model_bytes(Heavy(), torch.zeros(1, 4))}))
    look = {"look": "private_kib()"}

    done = run(
        stored, [look, "snapshot", "fork", look, "restore", look, recorded("direct_call"), look],
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
    )  # fmt: skip

    whole, copied, restored, answer, asked = done.answers
    assert "output" in answer
    assert whole > 40_000  # the model is there
    assert copied < 4_000  # it is shared,
    assert restored < 12_000  # still so after the hooks,
    assert asked < 20_000  # and after a request


@pytest.mark.parametrize(
    ("placement", "task", "part"),
    [
        ("tmp", "tensor", "serving"),
        pytest.param("", "custom", "whole", id="no wish-custom-whole"),
        ("memory", "tensor", None),
    ],
)
def test_the_library_comes_from_the_bundle_that_the_release_names(
    run: Callable[..., Run], put: Callable[[str, bytes], None], placement: str, task: str, part: PartName | None
) -> None:
    """A whole torch takes a minute to pack; this one only says where it came from."""
    bundle = pack_files({"torch/__init__.py": b"raise ImportError('this torch is from the bundle: ' + __file__)"})
    put(bundle.reference.uri, bundle.data)

    done = run(
        Stored(tar_gz(members(TENSOR))), [], {"RUNTIME_PLACEMENT": placement},
        task_kind=task, without=TORCH, runtime=bundle.reference,
    )  # fmt: skip

    (told,) = (line for line in done.stderr.splitlines() if line.startswith("ImportError: this torch is from"))
    assert (VIRTUAL_ROOT if part is None else bundle.reference.part(part).sha256) in told


def test_a_bundle_that_was_changed_stops_the_function_before_anything_of_it_runs(
    run: Callable[..., Run], put: Callable[[str, bytes], None]
) -> None:
    bundle = pack_files({"torch/__init__.py": b"print('imported')"})
    put(bundle.reference.uri, bundle.data[:-1] + b"?")
    damaged = bundle.reference.model_copy(
        update={"serving": bundle.reference.serving.model_copy(update={"sha256": "0" * 64})}
    )

    done = run(Stored(tar_gz(members(TENSOR))), [], without=TORCH, runtime=damaged)

    assert done.exit_code != 0
    assert "RuntimeDamaged" in done.stderr
    assert "imported" not in json.dumps(done.log)


def test_a_library_that_is_installed_is_used_as_it_is(run: Callable[..., Run]) -> None:
    """The bundle is not even fetched: there is none at its place."""
    done = run(Stored(tar_gz(members(TENSOR))), [recorded("direct_call")], runtime=pack_files({"a": b""}).reference)

    assert done.answers == [DOUBLED]
