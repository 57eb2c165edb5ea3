"""Where the time of a publication goes, and what a snapshot saves: on the emulator, in one run.

    .venv/bin/python benchmarks/publication.py

Prints medians over several publications of the digits example, as a table in Markdown. Times are this machine's; the
ratio of a restored to a cold start is measured side by side.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from emulator.server import Emulator

ROOT = Path(__file__).parents[1]
PUBLICATIONS = 3
STARTS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Emulator(time_scale=3600) as emulator:
        outputs = emulator.deploy(ROOT / "template.yaml")
        durations: dict[str, list[float]] = defaultdict(list)
        for seed in range(PUBLICATIONS):
            model = Path(folder, str(seed))
            train(model, "--seed", str(seed), "--epochs", "2")
            for name, seconds in publish(emulator, outputs, model).items():
                durations[name].append(seconds)
        event = json.loads((model / "samples" / "one.json").read_text())["event"]
        restored, cold = first_answers(emulator, outputs, event)

    python, today = platform.python_version(), time.strftime("%Y-%m-%d")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {python}, {today}\n")
    print("| state | median s |\n|---|---|")
    for name, seconds in durations.items():
        if (median := statistics.median(seconds)) >= 0.05:  # noqa: PLR2004 (less is noise)
            print(f"| {name} | {median:.2f} |")
    print(f"| **all** | {statistics.median(map(sum, zip(*durations.values(), strict=False))):.2f} |")
    print(f"\nfirst answer: cold {cold:.2f} s, restored {restored:.3f} s, ratio {cold / restored:.0f}")


def train(folder: Path, *options: str) -> None:
    script = ROOT / "examples" / "digits" / "train.py"
    subprocess.run([sys.executable, script, "--output", folder, *options], check=True, stdout=subprocess.DEVNULL)


def publish(emulator: Emulator, outputs: dict[str, str], folder: Path) -> dict[str, float]:
    """Publish a folder at once and return the seconds spent in each state."""
    s3, sfn = emulator.client("s3"), emulator.client("stepfunctions")
    bucket = outputs["CheckpointsBucketName"]
    for path in folder.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), bucket, f"benchmark/{folder.name}/{path.relative_to(folder).as_posix()}")
    request = {"model_uri": f"s3://{bucket}/benchmark/{folder.name}/", "rollout": {"strategy": "all-at-once"}}
    arn = sfn.start_execution(stateMachineArn=outputs["PublishStateMachineArn"], input=json.dumps(request))[
        "executionArn"
    ]
    while (seen := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.2)
    if seen["status"] != "SUCCEEDED":
        sys.exit(f"{seen.get('error')}: {seen.get('cause')}")
    spent: dict[str, float] = defaultdict(float)
    entered: Any = None
    for event in sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"]:
        if "stateEnteredEventDetails" in event:
            entered = event["timestamp"]
        elif "stateExitedEventDetails" in event and entered is not None:
            spent[event["stateExitedEventDetails"]["name"]] += (event["timestamp"] - entered).total_seconds()
    return spent


def first_answers(emulator: Emulator, outputs: dict[str, str], event: object) -> tuple[float, float]:
    """Return the median seconds to the first answer of a restored and of a cold environment, by turns."""
    lambda_, function = emulator.client("lambda"), outputs["InferenceFunctionName"]

    def timed(qualifier: str) -> float:
        began = time.perf_counter()
        answer = lambda_.invoke(FunctionName=function, Qualifier=qualifier, Payload=json.dumps(event).encode())
        if "FunctionError" in answer:
            sys.exit(answer["Payload"].read().decode())
        return time.perf_counter() - began

    restored, cold = [], []
    for number in range(STARTS):
        # A changed description retires the environments of $LATEST; that of a version is fresh after its publication.
        lambda_.update_function_configuration(FunctionName=function, Description=f"cold start {number}")
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
        cold.append(timed("$LATEST"))
        version = lambda_.publish_version(FunctionName=function)["Version"]
        lambda_.get_waiter("published_version_active").wait(
            FunctionName=function, Qualifier=version, WaiterConfig={"Delay": 1}
        )
        restored.append(timed(version))
    return statistics.median(restored), statistics.median(cold)


if __name__ == "__main__":
    main()
