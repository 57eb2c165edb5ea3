"""JudgeCanary: the policy's verdict on the rollout, by what the alias and the metrics say."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.faults import for_workflow
from model_tools.aws.functions import LambdaFunction
from model_tools.aws.metrics import AliasMetrics
from model_tools.release.rollout import judge, plan_rollout

logger, tracer, metrics = Logger(), Tracer(), Metrics()
function = LambdaFunction(boto3.client("lambda"), os.environ["INFERENCE_FUNCTION"], errors=for_workflow)
alias_metrics = AliasMetrics(boto3.client("cloudwatch"), os.environ["INFERENCE_FUNCTION"], errors=for_workflow)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Look and judge; nothing is changed here, so a second run is harmless."""
    release, position = event["release"], event["position"]
    logger.append_keys(execution=event["execution"], release=release["id"])
    plan = plan_rollout(
        champion=event["champion"],
        candidate=event["candidate"],
        steps=release["rollout"]["steps"],
        bootstrap=event["bootstrap_version"],
    )
    alias = function.alias()
    evidence = alias_metrics.evidence(plan.candidate, now=datetime.now(UTC))
    verdict = judge(plan, position, alias.split, evidence)
    logger.info("judged", extra={"verdict": verdict.kind, "weight": plan.weight(verdict.position)})
    return {
        "verdict": verdict.kind,
        "position": verdict.position,
        "weight": plan.weight(verdict.position),
        "alias": plan.split(verdict.position).to_alias(),
        "revision_id": alias.revision_id,
        "evidence": {"invocations": evidence.invocations, "errors": evidence.errors},
    }
