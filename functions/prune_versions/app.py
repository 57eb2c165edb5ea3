"""PruneVersions: old versions go, because their snapshots cost money as long as they exist."""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from model_tools.aws.faults import for_workflow
from model_tools.aws.functions import LambdaFunction
from model_tools.aws.registry import Registry
from model_tools.release.retention import versions_to_prune

logger, tracer, metrics = Logger(), Tracer(), Metrics()
function = LambdaFunction(boto3.client("lambda"), os.environ["INFERENCE_FUNCTION"], errors=for_workflow)
registry = Registry(
    # boto3 alone would ask DynamoDB ten times, for most of a minute; the state machine is the one that is patient.
    boto3.client("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 3})),
    os.environ["REGISTRY_TABLE"],
    os.environ["INFERENCE_FUNCTION"],
    errors=for_workflow,
)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Delete the versions that retention lets go; deleting one twice is harmless, so a second run is as well."""
    logger.append_keys(execution=event["execution"], release=event["release"]["id"])
    prunable = versions_to_prune(
        list(function.versions()),
        live=int(event["live_version"]),
        in_use=function.versions_in_use(),
        released=[int(record.version) for record in registry.releases() if record.version],
        keep=int(os.environ["RETAINED_VERSIONS"]),
    )
    for version in prunable:
        function.delete_version(version)
    logger.info("pruned", extra={"versions": prunable})
    return {"deleted": prunable}
