"""Credentials of a role, and the caller behind an access key."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """An access key with its secret; temporary credentials have a session token too."""

    access_key_id: str
    secret_access_key: str
    session_token: str


CredentialsFor = Callable[[str, str], Credentials]
"""Gives the temporary credentials of a role. The arguments are the role's ARN and the name of the session."""


@dataclass(frozen=True)
class Caller:
    """The identity behind a request. The operator has no role."""

    role_arn: str | None = None
    session_name: str = ""

    @property
    def is_operator(self) -> bool:
        """True when the request is signed with a key that belongs to no role."""
        return self.role_arn is None


OPERATOR = Caller()
"""The caller of every request that is signed with no role's key, and of those that nobody signed."""
