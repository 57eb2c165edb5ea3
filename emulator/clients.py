"""boto3 clients for the emulator's own calls: of the operator, or of a role."""

import threading
from typing import Any

import boto3
from botocore.config import Config

from emulator.account import OPERATOR_KEY, OPERATOR_SECRET, REGION
from emulator.iam import Credentials, CredentialsFor

_OPERATOR = Credentials(OPERATOR_KEY, OPERATOR_SECRET, "")

_NO_PROXY = Config(proxies={})
"""The endpoint is on this machine, so a proxy that the environment names is not for it."""

_session: Any = None
"""One boto3 session for all clients: it keeps the services' models, which take longer to load than anything else."""

_session_lock = threading.Lock()
"""Guards the session. boto3's clients may be shared between threads, its sessions may not."""


class Clients:
    """Clients of one endpoint, made once for each service and role. They may be shared between threads."""

    def __init__(
        self,
        *,
        endpoint_url: str,
        credentials_for: CredentialsFor,
        session_name: str,
        config: Config,
    ) -> None:
        self._endpoint_url = endpoint_url
        self._credentials_for = credentials_for
        self._session_name = session_name
        self._config = config.merge(_NO_PROXY)
        self._made: dict[tuple[str, str, str | None], Any] = {}
        self._lock = threading.Lock()

    def get(self, service: str, role_arn: str | None = None, *, region: str = REGION) -> Any:
        """Return the client of a service that calls as a role, or as the operator when no role is given."""
        with self._lock:
            key = (region, service, role_arn)
            if key not in self._made:
                credentials = _OPERATOR if role_arn is None else self._credentials_for(role_arn, self._session_name)
                self._made[key] = self._create(service, region, credentials)
            return self._made[key]

    def _create(self, service: str, region: str, credentials: Credentials) -> Any:
        global _session  # noqa: PLW0603 - made on first use: importing the emulator must not read AWS's settings
        with _session_lock:
            _session = _session or boto3.session.Session()
            return _session.client(
                service,
                region_name=region,
                endpoint_url=self._endpoint_url,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token or None,
                config=self._config,
            )

    def close(self) -> None:
        """Close all connections and forget the clients."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()
