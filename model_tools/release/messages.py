"""The words of errors that the state machines raise themselves, and of those that they share with a function.

An error that a function raises is worded where it is raised. These have no such place, or two: the source of the state
machines' definitions and the adapters take them from here, and `docs/reference/errors.md` quotes them. An argument may
be a substitution of the definition, such as `${InferenceFunctionName}`. In a template `{}` stands for a value that is
known only while the execution runs.
"""

FUNCTION_CHANGED = (
    "The inference function's code was changed by somebody else during this publication. Find out who deploys to it "
    "(CloudTrail: UpdateFunctionCode, UpdateFunctionConfiguration), then publish again."
)
"""The words of FunctionChanged."""
FUNCTION_UPDATE_FAILED = "Lambda could not update the function: {}. Correct what it names, then publish again."
"""The template of FunctionUpdateFailed: Lambda's reason."""
LEASE_LOST = (
    "Another publication took over this function's lease, so this one stops where it is. See `model-tools releases` "
    "for what is live, then publish again if it is still wanted."
)
"""The words of LeaseLost."""
TIMED_OUT = (
    "A step of this publication took longer than it may; the execution's history shows which one. If it was "
    "TraceAndPackageModel, give tracing more memory, and so processor (the stack's parameter TraceMemorySize); "
    "otherwise publish again."
)
"""The words for States.Timeout in a publication: Step Functions gives none."""
NO_CAUSE = (
    "Step Functions gives no cause. The execution's history shows the step that failed; publish again if it was not "
    "the model's fault."
)
"""The words for any other error of a publication that came without a cause."""
RETRAINING_TIMED_OUT = (
    "A step of this retraining took longer than it may, or ended without a cause; the execution's history shows which "
    "one. What is live stays as it was, unless a publication that it started is still at work."
)
"""The words for a retraining's error that came without a cause."""


def alias_is_gone(function: str, alias: str) -> str:
    """Return the words of AliasChanged when the alias that clients call has been deleted."""
    return (
        f"The alias {alias} of {function} is gone, so no request reaches any version. Make it again on the version "
        "that should serve, which `model-tools releases` shows: aws lambda create-alias --function-name "
        f"{function} --name {alias} --function-version N. Then publish again."
    )


def snapshot_failed(function: str) -> str:
    """Return the template of SnapshotFailed: the version, Lambda's reason, and its code for the reason."""
    return "Version {} could not be initialised: {} ({}). Its logs say more: CloudWatch Logs of " + f"{function}."


def traffic_is_not_back(function: str, alias: str) -> str:
    """Return the template of the warning before a failure whose traffic could not be given back.

    Its values are the version that was live before, the error of the attempt, that version again, and the failure's own
    words.
    """
    return (
        "Traffic could not be given back to version {} ({}), so users may still meet the refused one. Do it now: aws "
        f"lambda update-alias --function-name {function} --name {alias} --function-version "
        "{}, with a routing-config whose AdditionalVersionWeights are empty. The failure itself: {}"
    )
