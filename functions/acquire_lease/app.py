"""AcquireLease: one look at the lease on the inference function, which takes it where the policy says so."""

import os
from functools import partial
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from model_tools.aws.executions import execution_status
from model_tools.aws.faults import for_workflow
from model_tools.aws.registry import Registry
from model_tools.release.lease import Claim, acquire_lease

logger, tracer, metrics = Logger(), Tracer(), Metrics()
# boto3 alone would ask DynamoDB ten times, for most of a minute; the state machine is the one that is patient.
brief = Config(retries={"mode": "standard", "total_max_attempts": 3})
registry = Registry(
    boto3.client("dynamodb", config=brief),
    os.environ["REGISTRY_TABLE"],
    os.environ["INFERENCE_FUNCTION"],
    errors=for_workflow,
)
status_of = partial(execution_status, boto3.client("stepfunctions", config=brief), errors=for_workflow)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Look once; a second run finds the lease in the hands of its own execution and keeps it."""
    release_id = event["release"]["id"]
    logger.append_keys(execution=event["execution"], release=release_id)
    claim = Claim(holder=event["execution_arn"], release_id=release_id, at=event["at"])
    outcome = acquire_lease(claim, registry, status_of, last_wait=event["last_wait"])
    logger.info("looked at the lease", extra={"held": outcome.held, "other": outcome.other})
    return {
        "held": outcome.held,
        "fencing_token": str(outcome.fencing_token),  # as DynamoDB writes numbers
        "wait_seconds": outcome.wait_seconds,
        "other": outcome.other,
    }
