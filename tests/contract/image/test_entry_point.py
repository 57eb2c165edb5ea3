"""The image's files and its CMD, run as Lambda runs a container: the runtime interface client, and nothing else."""

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest
import torch
from moto.server import ThreadedMotoServer

from emulator.packages.python import make_python
from model_tools.formats.archive import MANIFEST_MEMBER, MODEL_MEMBER, ArchiveManifest
from model_tools.formats.release_file import RELEASE_VARIABLE, ArchiveReference, ReleaseFile
from model_tools.formats.sections import AxisSizes, InputSpec
from model_tools.packaging.archive.model_archive import write_archive
from model_tools.release.lanes import with_release
from tests.support.image.dockerfile import build, read_dockerfile
from tests.support.image.runtime_api import RuntimeApi


class Doubled(torch.nn.Module):
    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers * 2


@pytest.fixture(scope="module")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of the base image: Lambda's own packages, nothing of this environment."""
    return make_python(tmp_path_factory.mktemp("base") / "python")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def start(task_root: Path, python: Path, endpoint: str, tmp_path: Path) -> Iterator[Callable[..., RuntimeApi]]:
    """Return what starts the container's process with some variables."""
    with ExitStack() as running:

        def start(variables: dict[str, str]) -> RuntimeApi:
            (handler,) = json.loads(read_dockerfile()[1][""].all("CMD")[0])
            api = RuntimeApi()
            environment = {
                "PATH": "/usr/bin:/bin",
                "TMPDIR": str(tmp_path),
                "PYTHONPATH": str(task_root),
                "LAMBDA_TASK_ROOT": str(task_root),
                "AWS_LAMBDA_RUNTIME_API": running.enter_context(api.serve()),
                "AWS_LAMBDA_FUNCTION_NAME": "inference",
                "AWS_LAMBDA_FUNCTION_VERSION": "3",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "s",
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_XRAY_SDK_ENABLED": "false",
                "POWERTOOLS_SERVICE_NAME": "inference",
                "POWERTOOLS_METRICS_NAMESPACE": "ModelTools",
                "RESULTS_BUCKET": "results",
                **variables,
            }
            process = subprocess.Popen([python, "-m", "awslambdaric", handler], cwd=task_root, env=environment)
            running.callback(process.wait)
            running.callback(process.kill)
            return api

        yield start


@pytest.fixture
def release(endpoint: str, tmp_path: Path) -> ReleaseFile:
    """Store an archive and return the release that names it."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(Doubled().eval(), torch.ones(1, 2)), buffer)
    manifest = ArchiveManifest(
        name="doubled", task="tensor", inputs=[InputSpec(shape=["batch", 2])], axes={"batch": AxisSizes()},
        output_dtype="float32", checkpoint_sha256="a" * 64, library_version=torch.__version__, tools_version="0",
    )  # fmt: skip
    members = {MANIFEST_MEMBER: manifest.model_dump_json().encode(), MODEL_MEMBER: buffer.getvalue()}
    archive = tmp_path / "model.tar.gz"
    written = write_archive(archive, members)
    s3 = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    s3.create_bucket(Bucket="artifacts")
    s3.upload_file(str(archive), "artifacts", "models/doubled/model.tar.gz")
    reference = ArchiveReference(
        uri="s3://artifacts/models/doubled/model.tar.gz", sha256=written.sha256, size=written.size,
        unpacked=sum(map(len, members.values())),
    )  # fmt: skip
    return ReleaseFile(release_id="doubled-1", execution="run-1", archive=reference)


def test_the_container_answers_with_the_release_in_its_environment(
    start: Callable[..., RuntimeApi], release: ReleaseFile
) -> None:
    api = start(with_release({}, release, name=RELEASE_VARIABLE))

    kind, answer = api.ask({"input": [[1, 2], [3, 4]]})

    assert kind == "response", answer
    assert answer["output"] == [[2, 4], [6, 8]]
    assert answer["version"] == "3"


def test_the_container_without_a_release_says_that_nothing_is_published(start: Callable[..., RuntimeApi]) -> None:
    kind, answer = start({}).ask({"input": [[1, 2]]})

    assert kind == "response", answer
    assert answer["error"] == "NothingPublished"


def test_the_image_holds_the_library_and_not_what_the_base_image_brings(task_root: Path) -> None:
    held = {path.name for path in task_root.iterdir()}

    assert {"app.py", "model_tools", "torch", "PIL", "numpy", "safetensors", "pydantic", "isal"} <= held
    assert not held & {"botocore", "jmespath", "dateutil", "six.py", "moto", "pytest", "rich", "typer"}
    assert not {path.name for path in (task_root / "model_tools").iterdir()} & {"cli", "bundling", "planning"}
