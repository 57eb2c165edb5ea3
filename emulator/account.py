"""Which account and region the emulator is."""

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"

# What the operator signs with; every key that belongs to no role is the operator's, so any other works as well.
OPERATOR_KEY = "emulator-operator"
OPERATOR_SECRET = "emulator-operator-secret"  # noqa: S105 - opens nothing but this emulator
