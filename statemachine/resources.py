"""The stack's resources as the states name them: the inference function, its alias, the registry and the lease in it.

`${…}` are substitutions that template.yaml fills when the stack is deployed.
"""

from model_tools.release.records import LEASE
from statemachine.policies import CHANGE_DYNAMODB, EVERYTHING, catch
from statemachine.states import Fields, State, task

FUNCTION_NAME = "${InferenceFunctionName}"
ALIAS_NAME = "live"
FUNCTION = {"FunctionName": FUNCTION_NAME}
ALIAS = {"FunctionName": FUNCTION_NAME, "Name": ALIAS_NAME}
ALL_TO_PRIMARY: Fields = {"AdditionalVersionWeights": {}}
"""The routing of an alias that gives all traffic to its primary version."""
TABLE = {"TableName": "${RegistryTableName}"}
ME = {"S.$": "$$.Execution.Id"}
"""The ARN of this execution, by which the lease knows its holder."""
NOW = {"S.$": "$$.State.EnteredTime"}
"""The time at which this state was entered, ISO 8601."""


def item(record: str) -> Fields:
    """Return the table and the key of one of the function's records."""
    return {**TABLE, "Key": {"function": {"S": FUNCTION_NAME}, "record": {"S": record}}}


def if_lease_is_ours(**values: Fields) -> Fields:
    """Return the condition that nobody has taken the lease since this execution acquired it.

    Further values are those of the expression that the condition guards, by their names without the colon.
    """
    return {
        "ConditionExpression": "holder = :me AND fencing_token = :token",
        "ExpressionAttributeValues": {
            ":me": ME,
            ":token": {"N.$": "$.lease.fencing_token"},
            **{f":{name}": value for name, value in values.items()},
        },
    }


def release_lease(name: str, *, then: str) -> State:
    """Return a state that gives the lease back, if it is this execution's, and goes on in any case."""
    return task(
        name,
        "Let the next publication begin. Should this fail, the next one finds a dead holder.",
        "dynamodb:updateItem",
        {
            **item(LEASE),
            "UpdateExpression": "REMOVE holder, release_id, acquired_at, confirmed_at",
            "ConditionExpression": "holder = :me",
            "ExpressionAttributeValues": {":me": ME},
        },
        retry=CHANGE_DYNAMODB,
        catch=[catch(EVERYTHING, into="$.lease_error", then=then)],
        then=then,
    )
