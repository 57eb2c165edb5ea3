"""SmokeTestVersion: exactly this version is asked the sample events, before any user meets it."""

import os
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from model_tools.aws.faults import for_workflow
from model_tools.aws.functions import LambdaFunction
from model_tools.aws.objects import ObjectStore
from model_tools.release.smoke import MAX_SAMPLES_BYTES, parse_samples, run_smoke_test

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"), errors=for_workflow)
function = LambdaFunction(
    boto3.client("lambda", config=Config(read_timeout=120, retries={"mode": "standard", "max_attempts": 6})),
    os.environ["INFERENCE_FUNCTION"],
    errors=for_workflow,
)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Ask `event["version"]` every sample. It only asks, so a second run is harmless."""
    logger.append_keys(execution=event["execution"], release=event["release"]["id"])
    samples = parse_samples(store.read(event["samples_uri"], max_bytes=MAX_SAMPLES_BYTES))
    report = run_smoke_test(samples, event["version"], ask=function.invoke, clock=time.perf_counter)
    logger.info("smoke test passed", extra={"events": report.events, "slowest_ms": report.slowest_ms})
    return {"events": report.events, "slowest_ms": report.slowest_ms}
