"""When a call is tried again, and where an error leads.

A retry names errors that pass by themselves, never `States.ALL`, and ends. Step Functions waits for a random part of
1 s, 2 s, 4 s … 30 s before each attempt [AWS: jitter]. The names depend on how a service is called: `DynamoDB.` stands
for the optimised integration, `DynamoDb.` for the AWS SDK's.
"""

from typing import Any

Retry = list[dict[str, Any]]
Catch = dict[str, Any]

ATTEMPTS = 6
"""Attempts after the first: about half a minute."""
PATIENT_ATTEMPTS = 40
"""Attempts after the first where giving up would leave users with a refused version: about ten minutes."""
EVERYTHING = "States.ALL"


def retry(*errors: str, attempts: int = ATTEMPTS) -> Retry:
    """Return the policy that tries again after these errors."""
    return [
        {
            "ErrorEquals": list(errors),
            "IntervalSeconds": 1,
            "BackoffRate": 2,
            "MaxDelaySeconds": 30,
            "MaxAttempts": attempts,
            "JitterStrategy": "FULL",
        }
    ]


def also(policy: Retry, *errors: str) -> Retry:
    """Return the same policy for these errors as well."""
    (only,) = policy
    return retry(*only["ErrorEquals"], *errors)


def patient(policy: Retry) -> Retry:
    """Return the same policy for about ten minutes, which tries again after a timeout as well."""
    (only,) = policy
    return retry("States.Timeout", *only["ErrorEquals"], attempts=PATIENT_ATTEMPTS)


def catch(*errors: str, into: str, then: str) -> Catch:
    """Return the rule that goes on at a state with one of these errors in a field of the execution's data."""
    return {"ErrorEquals": list(errors), "ResultPath": into, "Next": then}


def catches_everything(rules: list[Catch]) -> bool:
    """Tell whether some rule leaves no error uncaught."""
    return any(EVERYTHING in rule["ErrorEquals"] for rule in rules)


CALL_FUNCTION = retry(
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "ServiceUnavailable",
)
"""For a call of one of our functions. They raise ServiceUnavailable for what passes by itself at the services that they
call."""
READ_LAMBDA = retry("Lambda.ServiceException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException")
"""For a look at the inference function, its versions or its alias."""
CHANGE_LAMBDA = also(READ_LAMBDA, "Lambda.ResourceConflictException")
"""For a change of the inference function, its versions or its alias; a conflict is an update that is in progress."""
READ_DYNAMODB = retry(
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.RequestLimitExceeded",
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.InternalServerError",
    "DynamoDB.SdkClientException",
)
"""For a read of the registry, or a write of a record that nobody else writes."""
CHANGE_DYNAMODB = also(READ_DYNAMODB, "DynamoDB.TransactionConflictException")
"""For a write of the lease, which others write at the same time."""
TRANSACT_DYNAMODB = [
    *retry(
        "DynamoDb.InternalServerErrorException",
        "DynamoDb.ProvisionedThroughputExceededException",
        "DynamoDb.ThrottlingException",
        "DynamoDb.TransactionInProgressException",
        "DynamoDb.SdkClientException",
    ),
    *retry("DynamoDb.TransactionCanceledException", attempts=4),
]
"""For a transaction. Somebody else's write at the same moment cancels it by chance, a condition that fails for good."""
START_EXECUTION = retry(
    "StepFunctions.SdkClientException", "StepFunctions.ThrottlingException", "StepFunctions.AWSStepFunctionsException"
)
"""For the start of another execution, under a name that makes a second start the same one."""
