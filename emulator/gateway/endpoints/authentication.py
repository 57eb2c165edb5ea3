"""Finding the identity behind a signed request."""

from collections.abc import Callable
from datetime import datetime

from emulator.account import ACCOUNT_ID, PARTITION
from emulator.gateway.endpoints.http_messages import HttpRequest
from emulator.gateway.endpoints.request_events import Signer
from emulator.gateway.endpoints.signatures import signed_by
from emulator.iam import CredentialIssuer

Now = Callable[[], datetime]
"""Returns the present time."""

Authenticate = Callable[[HttpRequest, str], Signer]
"""Returns who signed a request for a service (`lambda`, `execute-api`); raises RequestRejected."""


def authenticate_with(issuer: CredentialIssuer, now: Now) -> Authenticate:
    """Return a function that checks signatures with the secrets of an issuer's keys."""

    def authenticate(request: HttpRequest, service: str) -> Signer:
        key = signed_by(request, service=service, secret_of=issuer.credentials, now=now())
        caller = issuer.identify(key)
        if caller.role_arn is None:
            return Signer(key, f"arn:{PARTITION}:iam::{ACCOUNT_ID}:root", ACCOUNT_ID)
        role = caller.role_arn.rsplit("/", 1)[1]
        arn = f"arn:{PARTITION}:sts::{ACCOUNT_ID}:assumed-role/{role}/{caller.session_name}"
        return Signer(key, arn, f"AROA{role.upper()}:{caller.session_name}")

    return authenticate
