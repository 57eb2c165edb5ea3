"""The way back of publish_model: traffic first, then cleaning up, then the words for people and the record.

Whatever fails before comes here with `$.error`; whatever fails here goes on, so that a publication always ends with
its own error.
"""

from model_tools.release import messages
from model_tools.release.records import RELEASE
from statemachine.policies import (
    CHANGE_LAMBDA,
    EVERYTHING,
    READ_DYNAMODB,
    READ_LAMBDA,
    catch,
    patient,
)
from statemachine.resources import (
    ALIAS,
    ALIAS_NAME,
    ALL_TO_PRIMARY,
    FUNCTION,
    FUNCTION_NAME,
    NOW,
    TABLE,
    release_lease,
)
from statemachine.states import (
    absent,
    choice,
    either,
    equals,
    fail,
    is_true,
    like,
    present,
    set_error,
    set_field,
    task,
    text,
    when,
)

TO_FAILURE = catch(EVERYTHING, into="$.error", then="WasTrafficOffered")

GIVE_TRAFFIC_BACK = (
    choice(
        "WasTrafficOffered",
        "Traffic first. Where somebody else has decided about the alias, their decision stands.",
        when(
            either(equals("$.error.Error", "AliasChanged"), equals("$.error.Error", "LeaseLost")), "WasVersionPublished"
        ),
        when(present("$.traffic"), "ReadAliasToRestore"),
        otherwise="WasVersionPublished",
    ),
    task(
        "ReadAliasToRestore",
        "The alias as it is now, for a guarded update. This and the next try for ten minutes.",
        "aws-sdk:lambda:getAlias",
        ALIAS,
        retry=patient(READ_LAMBDA),
        catch=[
            catch("Lambda.ResourceNotFoundException", into="$.alias_missing", then="WasVersionPublished"),
            catch(EVERYTHING, into="$.restore_error", then="ExplainFailure"),
        ],
        select={"revision_id.$": "$.RevisionId"},
        into="$.alias_now",
    ),
    task(
        "RestoreAlias",
        "All traffic back to the version that was live before.",
        "aws-sdk:lambda:updateAlias",
        {
            **ALIAS,
            "FunctionVersion.$": "$.alias.FunctionVersion",
            "RoutingConfig": ALL_TO_PRIMARY,
            "RevisionId.$": "$.alias_now.revision_id",
        },
        retry=patient(CHANGE_LAMBDA),
        catch=[
            catch("Lambda.PreconditionFailedException", into="$.restore_conflict", then="ReadAliasToRestore"),
            catch(EVERYTHING, into="$.restore_error", then="ExplainFailure"),
        ],
    ),
)

CLEAN_UP = (
    choice(
        "WasVersionPublished",
        "Only a version of this publication is discarded.",
        when(present("$.candidate.version"), "DiscardVersion"),
        otherwise="ExplainFailure",
    ),
    task(
        "DiscardVersion",
        "Delete the refused version; one that somebody's alias uses is refused by Lambda and stays.",
        "aws-sdk:lambda:deleteFunction",
        {**FUNCTION, "Qualifier.$": "$.candidate.version"},
        retry=CHANGE_LAMBDA,
        catch=[catch(EVERYTHING, into="$.discard_error", then="ExplainFailure")],
    ),
)

EXPLAIN = (
    choice(
        "ExplainFailure",
        "With traffic safe, find the words for people: a function's error comes as JSON, a timeout without any. JSON "
        "that was cut off stays as it is.",
        when(equals("$.error.Error", "States.Timeout"), "ExplainTimeout"),
        when(absent("$.error.Cause"), "ExplainMissingCause"),
        when(like("$.error.Cause", '{*"errorMessage"*}'), "ParseFunctionError"),
        otherwise="IsTrafficBack",
    ),
    set_error(
        "ExplainTimeout",
        "A timeout says nothing else.",
        "States.Timeout",
        messages.TIMED_OUT,
        then="IsTrafficBack",
    ),
    set_error(
        "ExplainMissingCause",
        "Step Functions names an error and may say no more.",
        "$.error.Error",
        messages.NO_CAUSE,
        then="IsTrafficBack",
    ),
    set_field(
        "ParseFunctionError",
        "Read the error that the function raised.",
        "$.error",
        {"Error.$": "$.error.Error", "Details.$": "States.StringToJson($.error.Cause)"},
    ),
    set_error(
        "NameFunctionError",
        "Its name and its message.",
        "$.error.Error",
        "$.error.Details.errorMessage",
        then="IsTrafficBack",
    ),
    choice(
        "IsTrafficBack",
        "Whoever reads the failure must know when users still meet the refused version.",
        when(present("$.restore_error"), "WarnOfTraffic"),
        otherwise="RecordFailure",
    ),
    set_error(
        "WarnOfTraffic",
        "Say that traffic is not back, and how to give it back.",
        "$.error.Error",
        text(
            messages.traffic_is_not_back(FUNCTION_NAME, ALIAS_NAME),
            "$.alias.FunctionVersion",
            "$.restore_error.Error",
            "$.alias.FunctionVersion",
            "$.error.Cause",
        ),
        then="RecordFailure",
    ),
)

RECORD = (
    task(
        "RecordFailure",
        "Write down what was refused, and why.",
        "dynamodb:putItem",
        {
            **TABLE,
            "Item": {
                "function": {"S": FUNCTION_NAME},
                "record": {"S.$": text(RELEASE + "{}", "$.execution")},
                "status": {"S": "FAILED"},
                "release_id": {"S.$": "$.release.id"},
                "execution": {"S.$": "$.execution"},
                "request": {"S.$": "States.JsonToString($$.Execution.Input)"},
                "error": {"S.$": "$.error.Error"},
                "cause": {"S.$": "$.error.Cause"},
                "at": NOW,
            },
        },
        retry=READ_DYNAMODB,
        catch=[catch(EVERYTHING, into="$.record_error", then="HoldsLease")],
    ),
    choice(
        "HoldsLease",
        "Only a lease of this publication is released.",
        when(is_true("$.lease.held"), "ReleaseLeaseAfterFailure"),
        otherwise="PublishFailed",
    ),
    release_lease("ReleaseLeaseAfterFailure", then="PublishFailed"),
    fail("PublishFailed", "Refused; users never noticed. The error's name and message say what to do."),
)

ON_FAILURE = (*GIVE_TRAFFIC_BACK, *CLEAN_UP, *EXPLAIN, *RECORD)
"""The states of the way back, in order."""
