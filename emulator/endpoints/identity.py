"""Who may come in by an endpoint that wants signatures, and who that is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from emulator.account import ACCOUNT_ID, PARTITION
from emulator.credentials import Caller
from emulator.endpoints.events import Signer
from emulator.endpoints.signatures import signed_by
from emulator.endpoints.wire import HttpRequest
from emulator.lambda_service.settings import Credentials

Now = Callable[[], datetime]
Authenticate = Callable[[HttpRequest, str], Signer]  # for a service; raises Refused


class Desk(Protocol):
    """Who knows the keys that were given out."""

    def identify(self, access_key_id: str | None) -> Caller:
        """Return whose key it is."""

    def credentials(self, access_key_id: str) -> Credentials | None:
        """Return the secret that belongs to a key."""


def authenticate_with(desk: Desk, now: Now) -> Authenticate:
    """Return the check of signatures by the keys that a desk knows."""

    def authenticate(request: HttpRequest, service: str) -> Signer:
        key = signed_by(request, service=service, secret_of=desk.credentials, now=now())
        caller = desk.identify(key)
        if caller.role_arn is None:
            return Signer(key, f"arn:{PARTITION}:iam::{ACCOUNT_ID}:root", ACCOUNT_ID)
        role = caller.role_arn.rsplit("/", 1)[1]
        arn = f"arn:{PARTITION}:sts::{ACCOUNT_ID}:assumed-role/{role}/{caller.session_name}"
        return Signer(key, arn, f"AROA{role.upper()}:{caller.session_name}")

    return authenticate
