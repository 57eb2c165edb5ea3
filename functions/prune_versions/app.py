"""PruneVersions: old versions go, because their snapshots cost money as long as they exist."""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.lambda_functions import FunctionVersions
from model_tools.aws.registry import Registry
from model_tools.release.retention import versions_to_prune

logger, tracer, metrics = Logger(), Tracer(), Metrics()
function = FunctionVersions(boto3.client("lambda"), os.environ["INFERENCE_FUNCTION"])
registry = Registry(boto3.client("dynamodb"), os.environ["REGISTRY_TABLE"], os.environ["INFERENCE_FUNCTION"])


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Delete what retention lets go; what is gone already stays gone, so a second run is harmless."""
    logger.append_keys(execution=event["execution"], release=event["release"]["id"])
    doomed = versions_to_prune(
        list(function.versions()),
        live=int(event["live_version"]),
        in_use=function.versions_in_use(),
        released=[int(record.version) for record in registry.releases() if record.version],
        keep=int(os.environ["RETAINED_VERSIONS"]),
    )
    for version in doomed:
        function.delete_version(version)
    logger.info("pruned", extra={"versions": doomed})
    return {"deleted": doomed}
