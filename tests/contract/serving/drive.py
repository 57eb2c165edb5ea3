"""Runs inside the function's process: import it as Lambda does, run the hooks of a snapshot, and pass on events.

An event `{"look": expression}` is answered with the value of a Python expression, in the function's module.
"""

import json
import os
import sys
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
for event in json.load(sys.stdin):
    os.environ["_X_AMZN_TRACE_ID"] = "Root=1-66f0c1de-1f2e3d4c5b6a79880a1b2c3d;Parent=53995c3f42cd8ad8;Sampled=1"
    if event == "snapshot":
        lambda_runtime_hooks_runner.run_before_snapshot()
    elif event == "restore":
        lambda_runtime_hooks_runner.run_after_restore()
    elif isinstance(event, dict) and "look" in event:
        print(json.dumps({"answer": eval(event["look"], vars(app))}), flush=True)  # noqa: S307, T201 (our own text)
    else:
        print(json.dumps({"answer": app.lambda_handler(event, context)}), flush=True)  # noqa: T201
