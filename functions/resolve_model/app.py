"""ResolveModel: from the execution's input to a pinned checkpoint."""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.faults import for_workflow
from model_tools.aws.objects import ObjectStore
from model_tools.formats.execution_input import parse_request
from model_tools.packaging.checkpoint.resolve import resolve_checkpoint

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"), errors=for_workflow)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Pin `event["request"]`'s model; the pin is stored under its digest, so a second run changes nothing."""
    logger.append_keys(execution=event["execution"])
    request = parse_request(event["request"])
    pin = resolve_checkpoint(request.model_uri, store)
    pin_uri = f"s3://{os.environ['ARTIFACTS_BUCKET']}/pins/{pin.digest}.json"
    store.write_json(pin_uri, pin.model_dump(mode="json"))
    logger.append_keys(release=pin.release_id)
    logger.info("pinned", extra={"files": len(pin.files)})
    return {
        "id": pin.release_id,
        "name": pin.manifest.name,
        "task": pin.manifest.task,
        "digest": pin.digest,
        "model_uri": request.model_uri,
        "pin_uri": pin_uri,
        "requested_by": request.requested_by,
        "rollout": request.rollout.model_dump(mode="json"),
    }
