"""Runs inside the function's process: import it as Lambda does, run the hooks of a snapshot, and pass on events.

An event `{"look": expression}` is answered with the value of a Python expression, in the function's module. "snapshot"
runs the hooks before a snapshot; "restore" those after it; "fork" goes on in a copy of this process, as each
environment is a copy of the snapshot.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import app
from awslambdaric import lambda_runtime_hooks_runner

context = SimpleNamespace(
    function_name="inference",
    function_version="3",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:inference:3",
    aws_request_id="2f4d0c5e-0000-4000-8000-000000000000",
    get_remaining_time_in_millis=lambda: 30_000,
)


def private_kib() -> int:
    """Return how much memory this process has to itself: what a copy of the snapshot has changed."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


def go_on_in_a_copy() -> None:
    """Return in a new process; this one waits for it, and ends as it does."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status))


def say(answer: object) -> None:
    """Print what an event was answered."""
    print(json.dumps({"answer": answer}), flush=True)  # noqa: T201


for event in json.load(sys.stdin):
    os.environ["_X_AMZN_TRACE_ID"] = "Root=1-66f0c1de-1f2e3d4c5b6a79880a1b2c3d;Parent=53995c3f42cd8ad8;Sampled=1"
    if event == "snapshot":
        lambda_runtime_hooks_runner.run_before_snapshot()
    elif event == "fork":
        go_on_in_a_copy()
    elif event == "restore":
        lambda_runtime_hooks_runner.run_after_restore()
    elif isinstance(event, dict) and "look" in event:
        say(eval(event["look"], vars(app) | {"private_kib": private_kib}))  # noqa: S307 (our own text)
    else:
        say(app.lambda_handler(event, context))
