"""TrainModel: run a trainer that lives in S3 and keep the publishable folder that it writes."""

import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.faults import for_workflow
from model_tools.aws.objects import ObjectStore
from model_tools.formats.execution_input import PublishRequest, parse_retrain_request
from model_tools.packaging.children.trainer import run_trainer
from model_tools.runtime.current import CurrentRuntimes

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"), errors=for_workflow)
runtimes = CurrentRuntimes(f"s3://{os.environ['ARTIFACTS_BUCKET']}", store, Path(tempfile.gettempdir(), "runtimes"))
runtimes.prepare("torch")
MARGIN_SECONDS = 60
"""Seconds of the function's time that are kept for the upload."""


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Train and store the result under the execution's name, publish.yaml last, so a second run replaces the first."""
    logger.append_keys(execution=event["execution"])
    request = parse_retrain_request(event["request"])
    home = f"s3://{os.environ['CHECKPOINTS_BUCKET']}/retrained/{event['execution']}/"
    runtimes.provide("torch")
    with tempfile.TemporaryDirectory() as folder:
        trainer, output = Path(folder, "trainer"), Path(folder, "output")
        store.download_folder(request.trainer_uri, trainer)
        seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
        run_trainer(trainer, output, request.arguments, seconds=seconds, report=logger.info)
        store.upload_folder(output, home, last="publish.yaml")
    publish = PublishRequest(model_uri=home, rollout=request.rollout, requested_by=request.requested_by)
    started_by = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": event["execution_arn"]}
    return {"publish_input": publish.model_dump(mode="json", exclude={"started_by_execution"}) | started_by}
