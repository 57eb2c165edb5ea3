"""TraceAndPackageModel: from a pinned checkpoint to `model.tar.gz`, with the proof that it answers as before."""

import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.archive_format import ARCHIVE_NAME
from model_tools.aws.objects import ObjectStore
from model_tools.packaging.fetch import fetch_checkpoint
from model_tools.packaging.package import package_model
from model_tools.pin import MAX_PIN_BYTES, Pin

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"))


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Package the pinned checkpoint and store it under its own digest; a second run stores the same bytes again."""
    release = event["release"]
    logger.append_keys(execution=event["execution"], release=release["id"])
    pin = Pin.model_validate_json(store.read(release["pin_uri"], max_bytes=MAX_PIN_BYTES))
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = fetch_checkpoint(pin, store, Path(folder, "checkpoint"))
        package = package_model(checkpoint, Path(folder, "package"), report=logger.info)
        home = f"s3://{os.environ['ARTIFACTS_BUCKET']}/models/{pin.manifest.name}/{package.sha256}"
        store.upload(package.samples, f"{home}/samples.jsonl")
        store.upload(package.evidence, f"{home}/evidence.json")
        store.upload(package.archive, f"{home}/{ARCHIVE_NAME}")
    return {
        "archive": {"uri": f"{home}/{ARCHIVE_NAME}", "sha256": package.sha256, "size": package.size},
        "samples_uri": f"{home}/samples.jsonl",
        "evidence_uri": f"{home}/evidence.json",
    }
