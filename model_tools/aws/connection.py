"""How a person's command reaches AWS: by which endpoint and region, with which credentials and time limits.

Lambda functions of the workflow don't come here: they have a role and a region of their own, and make their clients
themselves.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.session import Session as BotocoreSession

from model_tools.aws.faults import for_people

LOCAL_REGION = "us-east-1"
"""The region of an emulator that was given none."""
LONGEST_FUNCTION = 900
"""Seconds that a Lambda function may take to answer, at most [gettingstarted-limits]."""


@dataclass(frozen=True)
class AwsTarget:
    """The AWS that a command talks to. None leaves the choice to the AWS configuration of whoever runs it."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None

    @property
    def is_local(self) -> bool:
        """True when the endpoint is on this machine."""
        return self.endpoint_url is not None and is_loopback(self.endpoint_url)


def is_loopback(url: str) -> bool:
    """Tell whether a URL names this machine; `localhost` and its subdomains do by definition (RFC 6761)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Connection:
    """Makes clients for one target, each with time limits and retries that suit a person who waits."""

    def __init__(self, target: AwsTarget, *, environ: Mapping[str, str]) -> None:
        self.target = target
        self._clients: dict[tuple[str, bool], Any] = {}
        with for_people("reading the AWS configuration"):
            self._session = _session(target, environ)

    def client(self, service: str, *, once: bool = False) -> Any:
        """Return a boto3 client, the same each time. `once` never repeats a call and waits as long as Lambda may run.

        Raises CallRefused when the region or the profile is missing.
        """
        if (service, once) not in self._clients:
            with for_people(f"connecting to {service}"):
                self._clients[service, once] = self._session.client(
                    service, endpoint_url=self.target.endpoint_url, config=self._config(once=once)
                )
        return self._clients[service, once]

    def _config(self, *, once: bool) -> Config:
        config = Config(
            connect_timeout=5,
            read_timeout=LONGEST_FUNCTION + 10 if once else 60,
            retries={"mode": "standard", "total_max_attempts": 1 if once else 5},
            max_pool_connections=20,
        )
        if self.target.endpoint_url is not None:
            config = config.merge(Config(s3={"addressing_style": "path"}))
        if self.target.is_local:
            config = config.merge(Config(proxies={}))  # a proxy cannot reach this machine's loopback
        return config


def _session(target: AwsTarget, environ: Mapping[str, str]) -> Any:
    if target.profile is None and target.is_local and "AWS_ACCESS_KEY_ID" not in environ:
        # An emulator takes any key. Looking for the user's own would ask a metadata service or a sign-in page, fail
        # without the profile that AWS_PROFILE names, and show real credentials to a local process.
        core = BotocoreSession(session_vars={"profile": (None, None, None, None)})
        return boto3.session.Session(
            botocore_session=core,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 (opens nothing but an emulator)
            region_name=target.region or LOCAL_REGION,
        )
    region = target.region or (LOCAL_REGION if target.is_local else None)
    return boto3.session.Session(profile_name=target.profile, region_name=region)
