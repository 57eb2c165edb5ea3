"""Our own time in a request of the `tensor` kind: everything but the model, from the event to the answer.

.venv/bin/python benchmarks/request_time.py

The inference function is started as Lambda starts it (an archive in S3, `release.json` beside `app.py`) and its
handler is called with the event of a Function URL; the tutorials' handler and the bare model take turns with it.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch
from archives import store_archive
from nets import save_named
from report import Options, Row, limit, main, progress
from sides import by_turns, in_new_process, object_store
from tutorials_way import tensor_handler

from model_tools.formats.release_file import ArchiveReference, ReleaseFile

ROOT = Path(__file__).parents[1]
NUMBERS = 64
BATCHES = (1, 16)


def measure(options: Options) -> list[Row]:
    progress("request: our own time in a request for tensor")
    with tempfile.TemporaryDirectory() as name, object_store(Path(name)) as endpoint:
        model = save_named("small net", Path(name))
        reference = store_archive(Path(name), model, shape=["batch", NUMBERS], axes={"batch": {"max": max(BATCHES)}})
        task = start_folder(Path(name), reference)
        return in_new_process(_measure_handlers, task, endpoint, model, 300 if options.quick else 2000)


def start_folder(store: Path, reference: ArchiveReference) -> Path:
    """Return a copy of the function's folder that serves an archive."""
    task = store / "task"
    shutil.copytree(ROOT / "functions" / "inference", task)
    release = ReleaseFile(release_id="measured-1", execution="run-1", archive=reference)
    (task / "release.json").write_text(release.model_dump_json())
    return task


def _measure_handlers(task: Path, endpoint: str, model_file: Path, rounds: int) -> list[Row]:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where the function's log goes
    ours = import_function(task, endpoint)
    torch.set_num_threads(1)  # after the function, which takes as many as there are
    model = torch.jit.load(str(model_file)).eval()
    theirs, context = tensor_handler(model), lambda_context()
    rows = []
    for batch in BATCHES:
        numbers = torch.rand(batch, NUMBERS)
        event = function_url_event({"input": numbers.tolist()})
        answer = json.loads(ours(event, context)["body"])
        if "output" not in answer:
            raise RuntimeError(answer)
        with torch.inference_mode():
            seconds = by_turns(
                {
                    "model": lambda numbers=numbers: model(numbers),
                    "ours": lambda event=event: ours(event, context),
                    "theirs": lambda event=event: theirs(event, context),
                },
                rounds,
                warm_ups=20,
            )
        spent = {side: 1000 * (median(times) - median(seconds["model"])) for side, times in seconds.items()}
        rows.append(
            limit(
                f"own time in a tensor request, {batch} x {NUMBERS} numbers", spent["ours"], "ms", 0.5,
                theirs=spent["theirs"],
                note="ours checks the request and writes a log line and a metric; theirs does not. The model's own "
                f"{1000 * median(seconds['model']):.3f} ms is taken off both.",
            )
        )  # fmt: skip
    return rows


def import_function(task: Path, endpoint: str) -> Any:
    """Import the function in this process as Lambda does and return its handler."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true", "AWS_LAMBDA_FUNCTION_NAME": "inference",
        "AWS_LAMBDA_FUNCTION_VERSION": "3", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(task), "POWERTOOLS_SERVICE_NAME": "inference",
        "POWERTOOLS_METRICS_NAMESPACE": "ModelTools", "RESULTS_BUCKET": "results",
        "_X_AMZN_TRACE_ID": "Root=1-66f0c1de-1f2e3d4c5b6a79880a1b2c3d;Parent=53995c3f42cd8ad8;Sampled=1",
    }  # fmt: skip
    sys.path.insert(0, str(task))
    import app  # noqa: PLC0415 (it is the function's folder that has just been added)

    return app.lambda_handler


def lambda_context() -> SimpleNamespace:
    return SimpleNamespace(
        function_name="inference",
        function_version="3",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:inference:3",
        aws_request_id="2f4d0c5e-0000-4000-8000-000000000000",
        get_remaining_time_in_millis=lambda: 30_000,
    )


def function_url_event(request: object) -> dict[str, Any]:
    """Return a request as a Function URL hands it to the function."""
    http = {"method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "curl/8.7.1"}
    host = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws"
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": host},
        "requestContext": {
            "accountId": "123456789012", "apiId": host.partition(".")[0], "domainName": host, "http": http,
            "requestId": "5f0c1de2-3a4b-4c5d-8e6f-7a8b9c0d1e2f", "routeKey": "$default", "stage": "$default",
            "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 1795255200000,
        },
        "body": json.dumps(request), "isBase64Encoded": False,
    }  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__)
