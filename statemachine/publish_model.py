"""publish_model: from a trained checkpoint to a version of the inference function that users' requests go to.

An execution's data grows as it goes on: `$.release` (what is published), `$.lease`, `$.alias` (as it was before, so the
champion), `$.package`, `$.code`, `$.candidate` (the new version), `$.traffic` (the policy's last verdict), and
`$.error`, with which it goes to the states of `on_failure`.
"""

from model_tools.formats.release_file import RELEASE_VARIABLE
from model_tools.release import messages
from model_tools.release.records import LIVE
from model_tools.release.retention import PUBLISHED_BY_US
from statemachine.on_failure import ON_FAILURE, TO_FAILURE
from statemachine.policies import (
    CHANGE_LAMBDA,
    READ_DYNAMODB,
    READ_LAMBDA,
    catch,
)
from statemachine.resources import ALIAS, ALIAS_NAME, ALL_TO_PRIMARY, FUNCTION, FUNCTION_NAME, item
from statemachine.shift_traffic import FINISH, SHIFT_TRAFFIC
from statemachine.states import (
    both,
    choice,
    either,
    equals,
    function,
    is_true,
    machine,
    present,
    same,
    set_error,
    set_field,
    task,
    text,
    wait,
    when,
)

DAY = 24 * 60 * 60
"""Seconds of a day."""
LONGEST_PUBLICATION = 30 * DAY
"""Seconds after which Step Functions ends a publication: a rollout of seven days, and a long wait for the lease."""
SOMEBODY_UPDATES = catch(
    "Lambda.PreconditionFailedException",
    "Lambda.ResourceConflictException",
    into="$.update_conflict",
    then="ReadFunctionUpdate",
)
"""Somebody changed the function, or is changing it: this publication itself when Lambda's answer was lost. The next
look waits for the end of the update and tells whose it was."""

RESOLVE = (
    set_field(
        "ReceiveRequest",
        "Begin the state of this publication. The request stays where it is, in the context, however large.",
        None,
        {
            "execution.$": "$$.Execution.Name",
            "release": {"id": "unresolved"},
            "lease": {"held": False, "wait_seconds": 0},
        },
    ),
    function(
        "ResolveModel",
        "Find the checkpoint, read its manifest, and pin every file by its S3 version.",
        "ResolveModelFunction",
        {"execution.$": "$.execution", "request.$": "$$.Execution.Input"},
        answer=["id", "name", "task", "digest", "model_uri", "pin_uri", "requested_by", "rollout"],
        into="$.release",
        seconds=330,
    ),
)

TAKE_TURNS = (
    function(
        "AcquireLease",
        "Only one publication at a time may change the function: take the lease if it is free or its holder dead.",
        "AcquireLeaseFunction",
        {
            "execution.$": "$.execution",
            "execution_arn.$": "$$.Execution.Id",
            "release.$": "$.release",
            "at.$": "$$.State.EnteredTime",
            "last_wait.$": "$.lease.wait_seconds",
        },
        answer=["held", "fencing_token", "wait_seconds", "other"],
        into="$.lease",
        seconds=90,
    ),
    choice(
        "IsLeaseHeld",
        "Go on with the lease in hand, or wait while another publication is at work.",
        when(is_true("$.lease.held"), "ReadAlias"),
        otherwise="WaitForLease",
    ),
    wait(
        "WaitForLease",
        "Another publication is at work; ask again later, each time a minute later than before.",
        "$.lease.wait_seconds",
        then="AcquireLease",
    ),
)

LOOK_AT_WHAT_IS_LIVE = (
    task(
        "ReadAlias",
        "Which version do the users' requests go to?",
        "aws-sdk:lambda:getAlias",
        ALIAS,
        retry=READ_LAMBDA,
        catch=[catch("Lambda.ResourceNotFoundException", into="$.alias_missing", then="AliasMissing")],
        into="$.alias",
        then="IsCanaryAbandoned",
    ),
    set_error(
        "AliasMissing",
        "Somebody has deleted what clients call.",
        "AliasChanged",
        messages.alias_is_gone(FUNCTION_NAME, ALIAS_NAME),
        then="WasTrafficOffered",
    ),
    choice(
        "IsCanaryAbandoned",
        "With the lease in hand nobody else is shifting traffic: a split that is there was left behind.",
        when(present("$.alias.RoutingConfig.AdditionalVersionWeights"), "ClearAbandonedCanary"),
        otherwise="ReadLiveRelease",
    ),
    task(
        "ClearAbandonedCanary",
        "Give all traffic back to the version that a dead publication was about to replace.",
        "aws-sdk:lambda:updateAlias",
        {
            **ALIAS,
            "FunctionVersion.$": "$.alias.FunctionVersion",
            "RoutingConfig": ALL_TO_PRIMARY,
            "RevisionId.$": "$.alias.RevisionId",
        },
        retry=CHANGE_LAMBDA,
        catch=[catch("Lambda.PreconditionFailedException", into="$.alias_conflict", then="ReadAlias")],
        into="$.alias",
    ),
    task(
        "ReadLiveRelease",
        "Which release is that version, by the record?",
        "dynamodb:getItem",
        {**item(LIVE), "ConsistentRead": True},
        retry=READ_DYNAMODB,
        into="$.live",
    ),
    choice(
        "IsAlreadyLive",
        "The same checkpoint again: nothing to do.",
        when(
            both(
                present("$.live.Item.release_id.S"),
                same("$.live.Item.release_id.S", "$.release.id"),
                same("$.live.Item.version.S", "$.alias.FunctionVersion"),
            ),
            "ReportAlreadyLive",
        ),
        otherwise="TraceAndPackageModel",
    ),
    set_field(
        "ReportAlreadyLive",
        "The finished release is the answer.",
        "$.result",
        {
            "status": "ALREADY_LIVE",
            "release_id.$": "$.release.id",
            "name.$": "$.release.name",
            "version.$": "$.alias.FunctionVersion",
            "archive_uri.$": "$.live.Item.archive_uri.S",
        },
        then="ReleaseLease",
    ),
)

BUILD = (
    function(
        "TraceAndPackageModel",
        "Trace the checkpoint to TorchScript, prove that it answers as before, and pack model.tar.gz.",
        "TraceModelFunction",
        {"execution.$": "$.execution", "release.$": "$.release"},
        answer=["archive", "samples_uri", "evidence_uri", "runtime"],
        into="$.package",
        seconds=930,
    ),
    function(
        "BuildFunctionCode",
        "Build the function's code with the release file that names the archive.",
        "BuildFunctionFunction",
        {
            "execution.$": "$.execution",
            "release.$": "$.release",
            "archive.$": "$.package.archive",
            "runtime.$": "$.package.runtime",
        },
        answer=["lane", "bucket", "key", "environment", "code_sha256", "revision_id"],
        into="$.code",
        seconds=330,
    ),
    choice(
        "IsImageLane",
        "A container image stays as it is: its release stands in the function's configuration.",
        when(equals("$.code.lane", "image"), "UpdateFunctionConfiguration"),
        otherwise="UpdateFunctionCode",
    ),
    task(
        "UpdateFunctionCode",
        "Put the code into $LATEST, which no user calls; the revision guards against others' changes.",
        "aws-sdk:lambda:updateFunctionCode",
        {**FUNCTION, "S3Bucket.$": "$.code.bucket", "S3Key.$": "$.code.key", "RevisionId.$": "$.code.revision_id"},
        retry=CHANGE_LAMBDA,
        catch=[SOMEBODY_UPDATES],
        then="ReadFunctionUpdate",
    ),
    task(
        "UpdateFunctionConfiguration",
        "Name the release in $LATEST's environment, which no user calls: a changed configuration makes a new version.",
        "aws-sdk:lambda:updateFunctionConfiguration",
        {**FUNCTION, "Environment": {"Variables.$": "$.code.environment"}, "RevisionId.$": "$.code.revision_id"},
        retry=CHANGE_LAMBDA,
        catch=[SOMEBODY_UPDATES],
    ),
    task(
        "ReadFunctionUpdate",
        "Has Lambda finished the update?",
        "aws-sdk:lambda:getFunctionConfiguration",
        FUNCTION,
        retry=READ_LAMBDA,
        into="$.function",
    ),
    choice(
        "IsFunctionUpdated",
        "The code's digest, or the image's release, tells our own update, even one whose answer was lost, from "
        "somebody else's.",
        when(equals("$.function.LastUpdateStatus", "InProgress"), "WaitForUpdate"),
        when(equals("$.function.LastUpdateStatus", "Failed"), "FunctionUpdateFailed"),
        when(
            both(equals("$.code.lane", "bundle"), same("$.function.CodeSha256", "$.code.code_sha256")), "PublishVersion"
        ),
        when(
            both(
                equals("$.code.lane", "image"),
                same("$.function.CodeSha256", "$.code.code_sha256"),
                present(f"$.function.Environment.Variables.{RELEASE_VARIABLE}"),
                same(f"$.function.Environment.Variables.{RELEASE_VARIABLE}", f"$.code.environment.{RELEASE_VARIABLE}"),
            ),
            "PublishVersion",
        ),
        otherwise="FunctionChanged",
    ),
    wait("WaitForUpdate", "Lambda is still updating the function.", 2, then="ReadFunctionUpdate"),
    set_error(
        "FunctionUpdateFailed",
        "Lambda refused the new code.",
        "FunctionUpdateFailed",
        text(messages.FUNCTION_UPDATE_FAILED, "$.function.LastUpdateStatusReason"),
        then="WasTrafficOffered",
    ),
    set_error(
        "FunctionChanged",
        "Somebody else changed the function's code in between.",
        "FunctionChanged",
        messages.FUNCTION_CHANGED,
        then="WasTrafficOffered",
    ),
)

PUBLISH_AND_TEST = (
    task(
        "PublishVersion",
        "Publish the code as an immutable version; Lambda starts to take its snapshot.",
        "aws-sdk:lambda:publishVersion",
        {
            **FUNCTION,
            "CodeSha256.$": "$.code.code_sha256",
            "Description.$": text(PUBLISHED_BY_US + "{} by {}", "$.release.id", "$.execution"),
        },
        retry=CHANGE_LAMBDA,
        catch=[catch("Lambda.InvalidParameterValueException", into="$.publish_conflict", then="FunctionChanged")],
        select={"version.$": "$.Version"},
        into="$.candidate",
    ),
    task(
        "ReadSnapshot",
        "Is the version's snapshot ready?",
        "aws-sdk:lambda:getFunctionConfiguration",
        {**FUNCTION, "Qualifier.$": "$.candidate.version"},
        retry=READ_LAMBDA,
        into="$.snapshot",
    ),
    choice(
        "IsSnapshotReady",
        "Ready means that the version is active and its snapshot is on, unless somebody wants none.",
        when(
            both(equals("$.snapshot.State", "Active"), equals("$.snapshot.SnapStart.ApplyOn", "None")),
            "SmokeTestVersion",
        ),
        when(
            both(equals("$.snapshot.State", "Active"), equals("$.snapshot.SnapStart.OptimizationStatus", "On")),
            "SmokeTestVersion",
        ),
        when(either(equals("$.snapshot.State", "Failed"), equals("$.snapshot.State", "Inactive")), "SnapshotFailed"),
        otherwise="WaitForSnapshot",
    ),
    wait(
        "WaitForSnapshot",
        "Lambda is initialising the version and taking its snapshot: minutes on AWS.",
        15,
        then="ReadSnapshot",
    ),
    set_error(
        "SnapshotFailed",
        "Lambda could not initialise the version.",
        "SnapshotFailed",
        text(
            messages.snapshot_failed(FUNCTION_NAME),
            "$.candidate.version",
            "$.snapshot.StateReason",
            "$.snapshot.StateReasonCode",
        ),
        then="WasTrafficOffered",
    ),
    function(
        "SmokeTestVersion",
        "Ask exactly this version the sample events and check its answers.",
        "SmokeTestFunction",
        {
            "execution.$": "$.execution",
            "release.$": "$.release",
            "version.$": "$.candidate.version",
            "samples_uri.$": "$.package.samples_uri",
        },
        answer=["events", "slowest_ms"],
        into="$.smoke",
        seconds=330,
    ),
)

DEFINITION = machine(
    "From a trained checkpoint to a version of the inference function that users' requests go to, with proof before "
    "traffic and a way back after it.",
    *RESOLVE,
    *TAKE_TURNS,
    *LOOK_AT_WHAT_IS_LIVE,
    *BUILD,
    *PUBLISH_AND_TEST,
    *SHIFT_TRAFFIC,
    *FINISH,
    *ON_FAILURE,
    seconds=LONGEST_PUBLICATION,
    otherwise=TO_FAILURE,
)
