"""Well-known model servers, started as their documentation says, with one worker and on a processor of their own.

Each yields the URL that answers. Raises RuntimeError where a server is not installed.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sides import free_port, running, wait_for_port

HERE = Path(__file__).parent
SERVERS_PROCESSOR = 0


@contextlib.contextmanager
def litserve(servers: Path, model: Path) -> Iterator[str]:
    _require(servers, "litserve")
    port = free_port()
    with running(_pinned([str(servers), str(HERE / "serve_litserve.py"), str(model), str(port)])):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}/predict"


@contextlib.contextmanager
def torchserve(servers: Path, model: Path) -> Iterator[str]:
    _require(servers, "ts")
    if not shutil.which("java"):
        raise RuntimeError("TorchServe needs Java, which is not here")
    ports = [free_port() for _ in range(3)]
    environment = os.environ | {
        "PATH": f"{servers.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(HERE),
    }
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [servers.with_name("torch-model-archiver"), "--model-name", "model", "--version", "1", "--serialized-file",
             model, "--handler", HERE / "torchserve_handler.py", "--export-path", folder],
            check=True, env=environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        names = ("inference_address", "management_address", "metrics_address")
        settings = [f"{name}=http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)]
        configuration = Path(folder, "config.properties")
        configuration.write_text("\n".join([*settings, "default_workers_per_model=1", "disable_token_auth=true"]))
        command = [
            str(servers.with_name("torchserve")), "--start", "--foreground", "--ncs", "--model-store", folder,
            "--models", "model.mar", "--ts-config", str(configuration), "--disable-token-auth",
        ]  # fmt: skip
        with running(_pinned(command), env=environment, cwd=folder):
            wait_for_port(ports[0])
            yield f"http://127.0.0.1:{ports[0]}/predictions/model"


def _require(servers: Path, module: str) -> None:
    found = subprocess.run([servers, "-c", f"import {module}"], check=False, capture_output=True)
    if found.returncode:
        raise RuntimeError(f"{module} is not installed for {servers}: see benchmarks/requirements.txt")


def _pinned(command: list[str]) -> list[str]:
    """Return a command that runs on the servers' processor, with all that it starts."""
    return ["taskset", "--cpu-list", str(SERVERS_PROCESSOR), *command]


SERVERS = {"LitServe": litserve, "TorchServe": torchserve}
