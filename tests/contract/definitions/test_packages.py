"""What goes into the Lambda packages: enough to import every function, and nothing that the runtime brings itself."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from model_tools.bundling.layer import NOT_IN_THE_LAYER

ROOT = Path(__file__).parents[3]
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "snapshot_restore_py")
"""What Lambda's Python has installed."""
FUNCTIONS = [path.parent.name for path in sorted((ROOT / "functions").glob("*/app.py"))]
REQUIREMENTS = [ROOT / "model_tools" / "requirements.txt", *(ROOT / "functions").glob("*/requirements.txt")]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the layer as `sam build` does."""
    folder = tmp_path_factory.mktemp("layer")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["make", "--silent", "build-ModelToolsLayer", f"ARTIFACTS_DIR={folder}"]
    subprocess.run(command, cwd=ROOT / "model_tools", env=environment, check=True, capture_output=True)
    return folder / "python"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what Lambda's Python has installed, and nothing else of this environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        origin = Path(find_spec(name).origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def test_the_layer_is_small_and_leaves_out_what_no_function_needs(layer: Path) -> None:
    size = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())
    parts = {path.name for path in (layer / "model_tools").iterdir()}

    assert size < 30 * 1024 * 1024
    assert {"packaging", "release", "runtime", "serving", "aws", "errors.py", "formats", "tasks"} <= parts
    assert not parts & {*NOT_IN_THE_LAYER, "Makefile", "requirements.txt"}
    assert not {path.name for path in layer.iterdir()} & {"botocore", "boto3", "torch", "rich", "typer"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_with_its_layer_and_the_runtime_alone(layer: Path, runtime: Path, function: str) -> None:
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "functions" / function, layer, runtime))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "INFERENCE_FUNCTION": "inference",
        "ARTIFACTS_BUCKET": "artifacts",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",  # nobody is there: a function starts without its services
        "AWS_MAX_ATTEMPTS": "1",
        "REGISTRY_TABLE": "registry",
        "RETAINED_VERSIONS": "3",
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "ModelTools",
    }
    command = [sys.executable, "-S", "-c", "import app; assert callable(app.lambda_handler)"]

    done = subprocess.run(command, env=environment, cwd=layer, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.parent.name)
def test_every_requirement_is_the_version_that_was_tested(path: Path) -> None:
    tested = {line.lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    wanted = [line.split("#")[0].strip() for line in path.read_text().splitlines()]

    for requirement in filter(None, wanted):
        name, _, version = requirement.partition("==")
        plain = name.partition("[")[0].lower()
        assert {f"{plain}=={version}", f"{plain.replace('-', '_')}=={version}"} & tested, requirement
