"""The function that users call. Everything heavy happens once, at init and before the snapshot."""

import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from model_tools.aws.objects import ObjectStore
from model_tools.release_file import RELEASE_FILE, ReleaseFile
from model_tools.serving.service import Predictor, handle

# Calls to S3 are not traced: a trace would name the object that a caller asked for.
logger, tracer, metrics = Logger(), Tracer(auto_patch=False), Metrics()
version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
# An image that S3 does not deliver is given up well before Lambda would give up the whole call.
patience = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
s3 = boto3.client("s3", config=patience)


def renew_s3() -> None:
    """After a restore: the snapshot's connections are dead and its credentials may have expired."""
    global s3  # noqa: PLW0603 (one for each environment)
    s3 = boto3.session.Session().client("s3", config=patience)


def load(release: ReleaseFile) -> Predictor:
    """Return the released model, loaded and warmed up. What it raises fails the version's snapshot, with its reason."""
    # Only a function with a release needs torch; the bootstrap version answers without.
    from model_tools.serving.archive import read_archive  # noqa: PLC0415
    from model_tools.serving.fetch import Fetcher  # noqa: PLC0415
    from model_tools.serving.predictor import load_predictor  # noqa: PLC0415
    from model_tools.serving.snapshot import prepare  # noqa: PLC0415
    from model_tools.serving.sources import ImageSource  # noqa: PLC0415

    snap_start = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    prepare(snap_start=snap_start, close=lambda: s3.close(), renew=renew_s3)  # noqa: PLW0108 (the s3 of that moment)
    source = ImageSource(
        Fetcher(allowed_hosts=_listed("ALLOWED_FETCH_HOSTS")),
        lambda uri, limit: ObjectStore(s3).read(uri, max_bytes=limit),
        allowed_buckets=_listed("ALLOWED_IMAGE_BUCKETS"),
    )
    with tempfile.TemporaryDirectory(prefix="model-") as folder:  # unpacked, it is not part of the snapshot
        return load_predictor(read_archive(release.archive, ObjectStore(s3).open, Path(folder)), source.fetch)


def _listed(name: str) -> frozenset[str]:
    return frozenset(filter(None, (part.strip() for part in os.environ.get(name, "").split(","))))


release_path = Path(__file__).with_name(RELEASE_FILE)
release = ReleaseFile.model_validate_json(release_path.read_bytes()) if release_path.exists() else None
predictor = load(release) if release else None


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one request. Nothing of it is logged but whether it was a good one."""
    if release:
        logger.append_keys(release=release.release_id, execution=release.execution)
    outcome = "Failures"
    try:
        answer = handle(event, predictor, version=version)
        status = answer.get("statusCode", 200)
        outcome = {200: "Answers", 503: "NothingPublished"}.get(status, "BadRequests")
        logger.info("answered", extra={"status": status, "http": "headers" in answer})
        return answer
    finally:
        metrics.add_metric(outcome, MetricUnit.Count, 1)
