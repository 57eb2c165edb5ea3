"""The project's own stack on the emulator, with models in it that the workflow has published.

The functions get torch as they do by default: from a runtime bundle in the stack's bucket.
"""

import base64
import contextlib
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from nets import save_named
from report import progress
from tutorials_way import MEAN, STD

from emulator.server import Emulator
from model_tools.aws.faults import for_people
from model_tools.aws.objects import ObjectStore
from model_tools.aws.runtimes import RuntimeBucket
from model_tools.bundling.built import BuiltRuntime
from model_tools.bundling.cache import cached_runtime

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0
LEVEL = 3
"""Of the bundle: what `model-tools local up` builds as well, so mostly there already."""
PREPROCESS = {"size": 256, "crop": 224, "mean": MEAN, "std": STD}


@dataclass(frozen=True)
class Stack:
    """A deployed stack."""

    emulator: Emulator
    outputs: dict[str, str]

    @property
    def function(self) -> str:
        return self.outputs["InferenceFunctionName"]

    def publish(self, folder: Path) -> dict[str, float]:
        """Publish a folder at once and return the seconds spent in each state."""
        s3, sfn = self.emulator.client("s3"), self.emulator.client("stepfunctions")
        bucket = self.outputs["CheckpointsBucketName"]
        for path in folder.rglob("*"):
            if path.is_file():
                s3.upload_file(str(path), bucket, f"benchmark/{folder.name}/{path.relative_to(folder).as_posix()}")
        request = {"model_uri": f"s3://{bucket}/benchmark/{folder.name}/", "rollout": {"strategy": "all-at-once"}}
        arn = sfn.start_execution(stateMachineArn=self.outputs["PublishStateMachineArn"], input=json.dumps(request))[
            "executionArn"
        ]
        end = time.monotonic() + PATIENCE
        while (seen := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > end:
                history = sfn.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=10)["events"]
                sys.exit(f"not published after {PATIENCE} s; last of all {history}")
            time.sleep(0.2)
        if seen["status"] != "SUCCEEDED":
            sys.exit(f"{seen.get('error')}: {seen.get('cause')}")
        return _seconds_by_state(sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"])

    def invoke(self, event: object, qualifier: str = "live") -> Any:
        """Return the function's answer. Ends the program when there is none."""
        answer = self.emulator.client("lambda").invoke(
            FunctionName=self.function, Qualifier=qualifier, Payload=json.dumps(event).encode()
        )
        contents = answer["Payload"].read()
        if "FunctionError" in answer:
            sys.exit(contents.decode())
        return json.loads(contents)

    def first_answer(self, event: object, qualifier: str) -> float:
        """Return the seconds that a call takes; the first one of a qualifier starts or restores an environment."""
        begun = time.perf_counter()
        self.invoke(event, qualifier)
        return time.perf_counter() - begun

    def duration(self, event: object) -> float:
        """Return the seconds that Lambda says a call took inside the function."""
        answer = self.emulator.client("lambda").invoke(
            FunctionName=self.function, Qualifier="live", Payload=json.dumps(event).encode(), LogType="Tail"
        )
        reported = re.search(r"\bDuration: ([\d.]+) ms", base64.b64decode(answer["LogResult"]).decode())
        if reported is None:
            raise RuntimeError("the call's log has no REPORT line")
        return float(reported[1]) / 1000

    def new_latest(self, number: int) -> None:
        """Retire the environments of $LATEST: its next call is a cold start."""
        lambda_ = self.emulator.client("lambda")
        lambda_.update_function_configuration(FunctionName=self.function, Description=f"cold start {number}")
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=self.function, WaiterConfig={"Delay": 1})

    def new_version(self) -> str:
        """Publish $LATEST and return its version, when its snapshot can be restored."""
        lambda_ = self.emulator.client("lambda")
        version: str = lambda_.publish_version(FunctionName=self.function)["Version"]
        lambda_.get_waiter("published_version_active").wait(
            FunctionName=self.function, Qualifier=version, WaiterConfig={"Delay": 1}
        )
        return version


@contextlib.contextmanager
def deployed() -> Iterator[Stack]:
    """Start an emulator, deploy the template, and give it a runtime bundle."""
    progress("deploying the stack on the emulator")
    built = runtime_bundle()
    with Emulator(time_scale=3600) as emulator:
        outputs = emulator.deploy(ROOT / "template.yaml")
        store = ObjectStore(emulator.client("s3"), errors=for_people)
        RuntimeBucket(store, outputs["ArtifactsBucketName"]).publish(built)
        yield Stack(emulator, outputs)


def runtime_bundle() -> BuiltRuntime:
    """Return the bundle that the functions get torch from; it is built now if it was not built before."""
    return cached_runtime("torch", level=LEVEL, report=lambda text: progress(f"runtime bundle: {text}"))


def write_image_model(folder: Path) -> Path:
    """Write a folder with a ResNet-18 that can be published."""
    folder.mkdir(parents=True)
    save_named("ResNet-18", folder).rename(folder / "model.pt")
    (folder / "classes.txt").write_text("".join(f"class {number}\n" for number in range(1000)))
    inputs = [{"shape": [1, 3, 224, 224]}]
    manifest = {"name": "resnet18", "task": "image-classification", "checkpoint": "model.pt", "classes": "classes.txt"}
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest | {"inputs": inputs, "preprocess": PREPROCESS}))
    return folder


def write_tensor_model(folder: Path) -> Path:
    """Write a folder with the small net that can be published."""
    folder.mkdir(parents=True)
    save_named("small net", folder).rename(folder / "model.pt")
    manifest = {"name": "small-net", "task": "tensor", "checkpoint": "model.pt", "inputs": [{"shape": ["batch", 64]}]}
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest))
    return folder


def _seconds_by_state(events: list[dict[str, Any]]) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    entered: Any = None
    for event in events:
        if "stateEnteredEventDetails" in event:
            entered = event["timestamp"]
        elif "stateExitedEventDetails" in event and entered is not None:
            spent[event["stateExitedEventDetails"]["name"]] += (event["timestamp"] - entered).total_seconds()
    return spent
