"""The function that users call. Everything heavy happens once, at init and before the snapshot."""

import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.objects import ObjectStore
from model_tools.release_file import RELEASE_FILE, ReleaseFile
from model_tools.serving.service import Predictor, handle

logger, tracer, metrics = Logger(), Tracer(), Metrics()
version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
store = ObjectStore(boto3.client("s3"))


def renew_connections() -> None:
    """After a restore: the snapshot's connections are dead and its credentials may have expired."""
    global store  # noqa: PLW0603 (one for each environment)
    store = ObjectStore(boto3.session.Session().client("s3"))


def load(release: ReleaseFile) -> Predictor:
    """Return the released model, loaded and warmed up. What it raises fails the version's snapshot, with its reason."""
    # Only a function with a release needs torch; the bootstrap version answers without.
    from model_tools.serving.archive import read_archive  # noqa: PLC0415
    from model_tools.serving.fetch import Fetcher  # noqa: PLC0415
    from model_tools.serving.predictor import load_predictor  # noqa: PLC0415
    from model_tools.serving.snapshot import prepare_for_snapshots  # noqa: PLC0415
    from model_tools.serving.sources import ImageSource  # noqa: PLC0415

    prepare_for_snapshots(renew_connections)
    source = ImageSource(
        Fetcher(allowed_hosts=_listed("ALLOWED_FETCH_HOSTS")),
        lambda uri, limit: store.read(uri, max_bytes=limit),
        allowed_buckets=_listed("ALLOWED_IMAGE_BUCKETS"),
    )
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    return load_predictor(read_archive(release.archive, store.open, folder), source.fetch)


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
    answer = handle(event, predictor, version=version)
    status = answer.get("statusCode", 200)
    metrics.add_metric("Answers" if status < 400 else "Refusals", MetricUnit.Count, 1)  # noqa: PLR2004
    logger.info("answered", extra={"status": status, "http": "headers" in answer})
    return answer
