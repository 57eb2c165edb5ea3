"""The function that users call. It loads the model once, at init and before the snapshot."""

import os
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from model_tools.aws.faults import for_workflow
from model_tools.aws.objects import ObjectStore
from model_tools.formats.release_file import find_release
from model_tools.serving.service import handle

# Calls to S3 are not traced: a trace would name the object that a caller asked for.
logger, tracer, metrics = Logger(), Tracer(auto_patch=False), Metrics()
version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
# Calls to S3 give up after some seconds, well before the function itself would time out.
s3_config = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
loader = botocore.loaders.create_loader()  # all sessions share it, so S3's service description is parsed only once
clients: list[Any] = []


def s3() -> Any:
    """Return this environment's S3 client. It is made at the first use, since most requests need none."""
    if not clients:
        session = botocore.session.Session()
        session.register_component("data_loader", loader)
        clients.append(boto3.session.Session(botocore_session=session).client("s3", config=s3_config))
    return clients[0]


def forget_s3() -> None:
    """Close the client, so that no connection and no credentials from before the snapshot are used after it."""
    while clients:
        clients.pop().close()


release = find_release(Path(__file__).parent, os.environ)
model, results = None, None
if release:
    # The bootstrap version has no release: it says so without a model, and must not import what loads one.
    from model_tools.serving.start import Storage, start
    from model_tools.tasks.loading import load_task

    storage = Storage(
        open=lambda uri: ObjectStore(s3(), errors=for_workflow).open(uri),
        read=lambda uri, limit: ObjectStore(s3(), errors=for_workflow).read(uri, max_bytes=limit),
        put=lambda bucket, key, data: s3().put_object(
            Bucket=bucket, Key=key, Body=data, ContentType="application/json"
        ),
        forget=forget_s3,
    )
    model, results = start(release, storage, os.environ, load_task, report=logger.info)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one request. The log and the metrics tell how the request ended, and nothing of its contents."""
    if release:
        logger.append_keys(release=release.release_id, execution=release.execution)
    outcome = "Failures"
    try:
        answer = handle(event, model, version=version, store=results)
        status = answer.get("statusCode", 200)
        outcome = {200: "Answers", 503: "NothingPublished"}.get(status, "BadRequests")
        logger.info("answered", extra={"status": status, "http": "headers" in answer})
        return answer
    finally:
        metrics.add_metric(outcome, MetricUnit.Count, 1)
