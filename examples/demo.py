"""The whole way of a model on one machine: a first release, a better one by canary, and two that are refused.

`make demo` runs this. It starts an emulator of AWS, so it needs no account and leaves nothing running.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import torch
from rich.console import Console
from rich.markup import escape

HERE = Path(__file__).parent
MODEL_TOOLS = Path(sys.executable).with_name("model-tools")
TIME_SCALE = "30"  # a bake of 60 seconds takes two
console = Console(highlight=False)


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="model-tools-demo-") as folder:
        models = Path(folder)
        first = start_training(models / "first")
        with emulator() as local:
            explain("Train a small convolutional net on real handwritten digits, and publish it")
            finish(first)
            better = start_training(models / "better", "--channels", "24", "--epochs", "12")
            publish(models / "first")
            ask(models / "first", "seven")

            explain("Train a better one, and let it take over step by step while users keep asking")
            finish(better)
            wrong = start_training(models / "wrong", "--shuffle-labels", "--epochs", "2")
            with users(local, models / "first") as answered:
                publish(models / "better", "--step", "10", "--step", "50", "--bake", "60")
            for version, count in sorted(answered.items()):
                console.print(f"  version {version} answered {count} requests")

            explain("A checkpoint with a NaN among its weights: refused, users never notice")
            publish(spoil(models / "better", models / "broken"), refused="CheckpointRejected")

            explain("A model trained on shuffled labels: sound numbers, wrong answers, refused by its samples")
            finish(wrong)
            publish(models / "wrong", refused="SmokeTestFailed")

            explain("What is live, and what happened")
            run("releases", "--local")
            ask(models / "first", "seven")
    console.rule(style="dim")
    console.print(
        f"Done in {time.monotonic() - began:.0f} s; nothing is left running. Now with a model of your own:\n\n"
        "  [bold].venv/bin/model-tools local up[/]    AWS on this machine, until Ctrl-C\n"
        "  [bold].venv/bin/python examples/digits/train.py --output build/digits[/]\n"
        "  [bold].venv/bin/model-tools publish build/digits --local[/]    in another terminal\n\n"
        "docs/how-to/publish-each-kind.md says how to write publish.yaml for your model,\n"
        "docs/how-to/deploy-to-aws.md how to publish it on AWS."
    )
    return 0


def explain(text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}", align="left")


@contextmanager
def emulator() -> Iterator[dict[str, Any]]:
    """Run `model-tools local up` and yield what it says of itself when it is ready."""
    command = [MODEL_TOOLS, "local", "up", "--port", "0", "--time-scale", TIME_SCALE, "--json"]
    if torch.version.cuda:  # too large for any function: they find it installed, as in a container image
        console.print("  [dim]torch is a CUDA build here; functions use it as in a container image (--lane image)[/]")
        command += ["--lane", "image"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                sys.exit("The emulator did not start; what it said is above.")
            yield json.loads(line)
        finally:
            process.terminate()


def start_training(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "digits" / "train.py"), "--output", str(folder), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(training: "subprocess.Popen[str]") -> None:
    said, _ = training.communicate()
    if training.returncode:
        sys.exit(f"The training failed:\n{said}")
    console.print(f"  [dim]{escape(said.splitlines()[0])}[/]")


def publish(folder: Path, *options: str, refused: str | None = None) -> None:
    """Publish a folder; with `refused`, it must be refused with that error."""
    code = run("publish", str(folder), "--local", *options)
    if code != (1 if refused else 0):
        sys.exit(f"That was to {'be refused with ' + refused if refused else 'succeed'}, but it exited {code}.")


def ask(folder: Path, name: str) -> None:
    sample = json.loads((folder / "samples" / f"{name}.json").read_text())
    event = folder / "event.json"
    event.write_text(json.dumps(sample["event"]))
    console.print(f"  a handwritten {name}:")
    if code := run("invoke", "--local", "--event", str(event)):
        sys.exit(f"The request failed ({code}).")


def run(*arguments: str) -> int:
    console.print(f"[dim]$ model-tools {escape(' '.join(Path(a).name if '/' in a else a for a in arguments))}[/]")
    return subprocess.run([MODEL_TOOLS, *arguments], check=False).returncode


@contextmanager
def users(local: dict[str, Any], folder: Path) -> Iterator[Counter[str]]:
    """Keep asking the alias, as users would; yields a counter of the versions that answered."""
    event = json.loads((folder / "samples" / "three.json").read_text())["event"]
    client = boto3.client(
        "lambda",
        endpoint_url=local["endpoint_url"],
        region_name=local["region"],
        aws_access_key_id="users",
        aws_secret_access_key="users",  # noqa: S106 (the emulator takes any)
    )
    answered: Counter[str] = Counter()
    done = threading.Event()

    def keep_asking() -> None:
        while not done.wait(0.02):
            answer = client.invoke(FunctionName=local["outputs"]["LiveAliasArn"], Payload=json.dumps(event).encode())
            if "FunctionError" in answer or json.load(answer["Payload"]).get("class") != "three":
                answered["(failed)"] += 1
            else:
                answered[answer["ExecutedVersion"]] += 1

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        yield answered
    finally:
        done.set()
        thread.join()


def spoil(folder: Path, copy: Path) -> Path:
    """Copy a model with one of its weights made NaN, as a diverged training leaves them."""
    shutil.copytree(folder, copy)
    weights = torch.load(copy / "checkpoint.pt", weights_only=True)
    weights["classify.weight"][3, 5] = float("nan")
    torch.save(weights, copy / "checkpoint.pt")
    return copy


if __name__ == "__main__":
    sys.exit(main())
