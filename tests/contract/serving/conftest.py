"""The inference function as Lambda starts it: a process of its own, S3 behind an endpoint, nothing of it replaced."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from model_tools.aws.objects import split_uri
from model_tools.formats.runtime_reference import RuntimeReference
from tests.support.serving.archives import Stored, write_release

REPOSITORY = Path(__file__).parents[3]
DRIVER = REPOSITORY / "tests" / "support" / "serving" / "drive.py"
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Run:
    """What one process of the function did."""

    answers: list[Any]
    log: list[dict[str, Any]]
    """All that it printed as JSON, metrics included."""
    stderr: str
    exit_code: int


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def put(endpoint: str) -> Callable[[str, bytes], None]:
    """Return what stores an object, its bucket included."""
    s3 = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )

    def put_object(uri: str, data: bytes) -> None:
        bucket, key = split_uri(uri)
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=data)

    return put_object


def installed(folder: Path, without: Collection[str]) -> Path:
    """Return a folder with all that is installed here but some packages, as a function's environment has it."""
    folder.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if entry.name.partition("-")[0].partition(".")[0] not in without:
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def run(endpoint: str, put: Callable[[str, bytes], None], tmp_path: Path) -> Callable[..., Run]:
    """Return what starts the function, with a stored release or none, and has it answer events."""

    def start(
        stored: Stored | None,
        events: list[object],
        variables: Mapping[str, str] | None = None,
        *,
        task_kind: str = "tensor",
        without: Collection[str] = (),
        runtime: RuntimeReference | None = None,
    ) -> Run:
        task = tmp_path / "task"
        scratch = tmp_path / "tmp"
        scratch.mkdir()
        packages = installed(tmp_path / "packages", without)
        shutil.copytree(REPOSITORY / "functions" / "inference", task)
        if stored:
            put(stored.reference.uri, stored.data)
            write_release(task, stored, task_kind, runtime)
        environment = {
            **KEYS,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, (task, REPOSITORY, packages))),
            "TMPDIR": str(scratch),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": "inference",
            "AWS_LAMBDA_FUNCTION_VERSION": "3",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(task),
            "POWERTOOLS_SERVICE_NAME": "inference",
            "POWERTOOLS_METRICS_NAMESPACE": "ModelTools",
            **(variables or {}),
        }
        done = subprocess.run(
            [sys.executable, "-S", str(DRIVER)],
            env=environment, input=json.dumps(events), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        answers = [line["answer"] for line in lines if "answer" in line]
        return Run(answers, [line for line in lines if "answer" not in line], done.stderr, done.returncode)

    return start
