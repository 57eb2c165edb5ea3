"""The account and the region that the emulator stands for, and the keys of its operator."""

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"


OPERATOR_KEY = "emulator-operator"
"""The operator's access key. Every key that belongs to no role is the operator's, so any other works as well."""

OPERATOR_SECRET = "emulator-operator-secret"  # noqa: S105 - opens nothing but this emulator
"""The secret that belongs to OPERATOR_KEY."""
