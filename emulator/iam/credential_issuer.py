"""Giving out temporary credentials of roles, and finding the caller behind an access key."""

import threading

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from emulator.account import ACCOUNT_ID, OPERATOR_KEY, OPERATOR_SECRET, PARTITION, REGION
from emulator.iam.credentials import OPERATOR, Caller, Credentials

_SESSION_SECONDS = 12 * 60 * 60
"""The longest session that STS allows; nobody renews credentials of a running emulator."""


class CredentialIssuer:
    """Issues a role's credentials through moto's STS, in process, and recognises them again.

    Keys that a client has fetched itself with `sts:AssumeRole` are recognised as well: moto's STS knows both.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issued: dict[tuple[str, str], Credentials] = {}
        self._callers: dict[str, Caller] = {}

    def issue(self, role_arn: str, session_name: str) -> Credentials:
        """Return temporary credentials of a role. The same pair of arguments gets the same credentials."""
        with self._lock:
            known = self._issued.get((role_arn, session_name))
            if known is not None:
                return known
            account = role_arn.split(":")[4]
            assumed = sts_backends[account][PARTITION].assume_role(
                region_name=REGION,
                role_session_name=session_name,
                role_arn=role_arn,
                policy="",
                duration=_SESSION_SECONDS,
                external_id="",
            )
            credentials = Credentials(assumed.access_key_id, assumed.secret_access_key, assumed.session_token)
            self._issued[role_arn, session_name] = credentials
            self._callers[assumed.access_key_id] = Caller(role_arn, session_name)
            return credentials

    def identify(self, access_key_id: str | None) -> Caller:
        """Return the caller behind a key: a role's session, or the operator when no role has this key."""
        if access_key_id is None:
            return OPERATOR
        caller = self._callers.get(access_key_id)
        if caller is not None:
            return caller
        for partitions in list(sts_backends.values()):
            for backend in list(partitions.values()):
                assumed = backend.get_assumed_role_from_access_key(access_key_id)
                if assumed is not None:
                    caller = Caller(assumed.role_arn, assumed.session_name)
                    self._callers[access_key_id] = caller
                    return caller
        return OPERATOR

    def credentials(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of a key that was given to a role, a user or the operator; None for any other key."""
        if access_key_id == OPERATOR_KEY:
            return Credentials(OPERATOR_KEY, OPERATOR_SECRET, "")
        for partitions in list(sts_backends.values()):
            for backend in list(partitions.values()):
                assumed = backend.get_assumed_role_from_access_key(access_key_id)
                if assumed is not None:
                    return Credentials(access_key_id, assumed.secret_access_key, assumed.session_token)
        for user in list(iam_backends[ACCOUNT_ID][PARTITION].users.values()):
            for key in user.access_keys:
                if key.access_key_id == access_key_id:
                    return Credentials(access_key_id, key.secret_access_key, "")
        return None
