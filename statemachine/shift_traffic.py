"""The part of publish_model that moves traffic: step by step on evidence, then the record and what follows it."""

from model_tools.release import messages
from model_tools.release.records import LEASE, LIVE, RELEASE
from statemachine.policies import CHANGE_DYNAMODB, CHANGE_LAMBDA, EVERYTHING, TRANSACT_DYNAMODB, catch
from statemachine.resources import ALIAS, FUNCTION_NAME, NOW, TABLE, if_lease_is_ours, item, release_lease
from statemachine.states import (
    at_least,
    choice,
    equals,
    function,
    set_error,
    set_field,
    succeed,
    task,
    text,
    wait,
    when,
)

SHIFT_TRAFFIC = (
    set_field(
        "StartRollout",
        "So far all traffic goes to the version that was live before.",
        "$.traffic",
        {"position": 0},
    ),
    function(
        "JudgeCanary",
        "Look at the alias and at the new version's errors, and say what its next share of the traffic is.",
        "JudgeCanaryFunction",
        {
            "execution.$": "$.execution",
            "release.$": "$.release",
            "champion.$": "$.alias.FunctionVersion",
            "candidate.$": "$.candidate.version",
            "bootstrap_version": "${BootstrapVersion}",
            "position.$": "$.traffic.position",
        },
        answer=["verdict", "position", "weight", "alias", "revision_id", "evidence"],
        into="$.traffic",
        seconds=120,
    ),
    choice(
        "ChooseNextWeight",
        "The policy's verdict.",
        when(equals("$.traffic.verdict", "advance"), "ConfirmLease"),
        when(equals("$.traffic.verdict", "done"), "RecordRelease"),
        otherwise="Bake",
    ),
    task(
        "ConfirmLease",
        "Only the holder of the lease moves traffic, also when this execution was stopped for a while and redriven.",
        "dynamodb:updateItem",
        {
            **item(LEASE),
            "UpdateExpression": "SET confirmed_at = :now",
            **if_lease_is_ours(now=NOW),
        },
        retry=CHANGE_DYNAMODB,
        catch=[catch("DynamoDB.ConditionalCheckFailedException", into="$.lease_conflict", then="LeaseLost")],
    ),
    task(
        "ShiftTraffic",
        "Give the new version its next share. A lost answer is cleared up by the next look at the alias.",
        "aws-sdk:lambda:updateAlias",
        {
            **ALIAS,
            "FunctionVersion.$": "$.traffic.alias.FunctionVersion",
            "RoutingConfig.$": "$.traffic.alias.RoutingConfig",
            "RevisionId.$": "$.traffic.revision_id",
        },
        retry=CHANGE_LAMBDA,
        catch=[catch("Lambda.PreconditionFailedException", into="$.shift_conflict", then="Bake")],
        select={"revision_id.$": "$.RevisionId"},
        into="$.shift",
    ),
    choice(
        "IsRolloutComplete",
        "All traffic, or is there more to come?",
        when(at_least("$.traffic.weight", 100), "RecordRelease"),
        otherwise="Bake",
    ),
    wait(
        "Bake",
        "Let users' requests meet the new version before the next look.",
        "$.release.rollout.bake_seconds",
        then="JudgeCanary",
    ),
)

RELEASED = {
    "function": {"S": FUNCTION_NAME},
    "release_id": {"S.$": "$.release.id"},
    "name": {"S.$": "$.release.name"},
    "version": {"S.$": "$.candidate.version"},
    "archive_uri": {"S.$": "$.package.archive.uri"},
    "execution": {"S.$": "$.execution"},
    "at": NOW,
}

FINISH = (
    task(
        "RecordRelease",
        "Write down what is live, in one transaction that holds only with our lease. Another write at the same moment "
        "can make it fail by chance, so it is tried again before the lease counts as lost.",
        "aws-sdk:dynamodb:transactWriteItems",
        {
            "TransactItems": [
                {"ConditionCheck": {**item(LEASE), **if_lease_is_ours()}},
                {"Put": {**TABLE, "Item": {**RELEASED, "record": {"S": LIVE}}}},
                {
                    "Put": {
                        **TABLE,
                        "Item": {
                            **RELEASED,
                            "record": {"S.$": text(RELEASE + "{}", "$.execution")},
                            "status": {"S": "RELEASED"},
                            "replaced_version": {"S.$": "$.alias.FunctionVersion"},
                            "model_uri": {"S.$": "$.release.model_uri"},
                            "evidence_uri": {"S.$": "$.package.evidence_uri"},
                            "requested_by": {"S.$": "$.release.requested_by"},
                        },
                    }
                },
            ]
        },
        retry=TRANSACT_DYNAMODB,
        catch=[catch("DynamoDb.TransactionCanceledException", into="$.record_conflict", then="LeaseLost")],
        then="ReportRelease",
    ),
    set_error(
        "LeaseLost",
        "Another publication has taken the function over.",
        "LeaseLost",
        messages.LEASE_LOST,
        then="WasTrafficOffered",
    ),
    set_field(
        "ReportRelease",
        "What went live.",
        "$.result",
        {
            "status": "LIVE",
            "release_id.$": "$.release.id",
            "name.$": "$.release.name",
            "version.$": "$.candidate.version",
            "archive_uri.$": "$.package.archive.uri",
        },
    ),
    function(
        "PruneVersions",
        "Delete old versions, whose snapshots cost money; keep those that one may want to go back to.",
        "PruneVersionsFunction",
        {"execution.$": "$.execution", "release.$": "$.release", "live_version.$": "$.candidate.version"},
        answer=["deleted"],
        into="$.pruned",
        seconds=150,
        catch=[catch(EVERYTHING, into="$.prune_error", then="ReleaseLease")],
    ),
    release_lease("ReleaseLease", then="PublishSucceeded"),
    succeed("PublishSucceeded", "The release is live.", output="$.result"),
)
