"""`model-tools local up` as a user runs it, and commands that find it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Local:
    """A running `model-tools local up`, and the environment in which commands find it."""

    endpoint_url: str
    outputs: dict[str, str]
    environment: dict[str, str]
    process: "subprocess.Popen[str]"

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [BIN / command[0], *command[1:]], env=self.environment, capture_output=True, text=True, check=False
        )

    def aws(self, *arguments: str) -> Any:
        done = self.run("aws", "--endpoint-url", self.endpoint_url, "--output", "json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")


def start(home: Path, *options: str) -> Local:
    """Start `model-tools local up` for a user with a home of their own; what can be built is shared with everybody."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "me",
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "160",
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
    }
    command = [BIN / "model-tools", "local", "up", "--port", "0", "--time-scale", "60", "--json", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    ready = json.loads(process.stdout.readline())
    return Local(ready["endpoint_url"], ready["outputs"], environment, process)


@contextmanager
def running(home: Path, *options: str) -> Iterator[Local]:
    """Run it, and stop it as Ctrl-C does."""
    local = start(home, *options)
    try:
        yield local
    finally:
        local.process.send_signal(signal.SIGINT)
        assert local.process.wait(timeout=60) == 0
