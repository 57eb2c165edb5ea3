"""retrain_model: train a model and publish what came out; started by a schedule, an event or a person.

An execution's data are `$.training` (the input of the publication), `$.published` (its output), and `$.error`.
"""

from model_tools.release import messages
from model_tools.release.records import RETRAINING
from statemachine.policies import EVERYTHING, READ_DYNAMODB, START_EXECUTION, catch
from statemachine.publish_model import DAY, LONGEST_PUBLICATION
from statemachine.resources import FUNCTION_NAME, NOW, TABLE
from statemachine.states import (
    absent,
    both,
    choice,
    equals,
    fail,
    function,
    like,
    machine,
    present,
    set_error,
    set_field,
    succeed,
    task,
    text,
    when,
)

DEFINITION = machine(
    "Train a model and publish what came out; started by a schedule, an event or a person.",
    function(
        "TrainModel",
        "Run the trainer and keep the folder that it wrote.",
        "TrainModelFunction",
        {
            "execution.$": "$$.Execution.Name",
            "execution_arn.$": "$$.Execution.Id",
            "request.$": "$$.Execution.Input",
        },
        answer=["publish_input"],
        into="$.training",
        seconds=930,
    ),
    task(
        "PublishModel",
        "Publish what came out; the name makes a second start of it the same execution.",
        "states:startExecution.sync:2",
        {
            "StateMachineArn": "${PublishStateMachineArn}",
            "Name.$": "$$.Execution.Name",
            "Input.$": "$.training.publish_input",
        },
        retry=START_EXECUTION,
        select={"release.$": "$.Output"},
        into="$.published",
        seconds=LONGEST_PUBLICATION,
    ),
    succeed("RetrainSucceeded", "Trained and live.", output="$.published.release"),
    # ---- the way of a failure ----------------------------------------------------------------------------------
    choice(
        "ExplainFailure",
        "Find the words for people: the error of a function, or of a publication, comes as JSON, a timeout without "
        "any. JSON that was cut off stays as it is.",
        when(equals("$.error.Error", "States.Timeout"), "ExplainTimeout"),
        when(absent("$.error.Cause"), "ExplainTimeout"),
        when(like("$.error.Cause", '{"*}'), "ParseCause"),
        otherwise="RecordRetrainFailure",
    ),
    set_error(
        "ExplainTimeout",
        "A timeout says nothing else.",
        "$.error.Error",
        messages.RETRAINING_TIMED_OUT,
        then="RecordRetrainFailure",
    ),
    set_field(
        "ParseCause",
        "Read the error that the function raised, or what became of the publication.",
        "$.details",
        {"parsed.$": "States.StringToJson($.error.Cause)"},
    ),
    choice(
        "WhoseErrorIsIt",
        "The trainer's, the publication's, or one that stays as it is.",
        when(present("$.details.parsed.errorMessage"), "NameFunctionError"),
        when(both(present("$.details.parsed.Error"), present("$.details.parsed.Cause")), "NamePublicationError"),
        otherwise="RecordRetrainFailure",
    ),
    set_error(
        "NameFunctionError",
        "Its name and its message.",
        "$.error.Error",
        "$.details.parsed.errorMessage",
        then="RecordRetrainFailure",
    ),
    set_error(
        "NamePublicationError",
        "The publication's own error, as if it had been published by hand.",
        "$.details.parsed.Error",
        "$.details.parsed.Cause",
        then="RecordRetrainFailure",
    ),
    task(
        "RecordRetrainFailure",
        "Write down that the retraining failed, and why.",
        "dynamodb:putItem",
        {
            **TABLE,
            "Item": {
                "function": {"S": FUNCTION_NAME},
                "record": {"S.$": text(RETRAINING + "{}", "$$.Execution.Name")},
                "status": {"S": "FAILED"},
                "execution": {"S.$": "$$.Execution.Name"},
                "request": {"S.$": "States.JsonToString($$.Execution.Input)"},
                "error": {"S.$": "$.error.Error"},
                "cause": {"S.$": "$.error.Cause"},
                "at": NOW,
            },
        },
        retry=READ_DYNAMODB,
        catch=[catch(EVERYTHING, into="$.record_error", then="RetrainFailed")],
    ),
    fail("RetrainFailed", "What is live stays as it was."),
    seconds=LONGEST_PUBLICATION + DAY,
    otherwise=catch(EVERYTHING, into="$.error", then="ExplainFailure"),
)
