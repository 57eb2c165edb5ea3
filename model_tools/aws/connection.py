"""How a person's command reaches AWS: which endpoint, region and credentials, and what is said when a call fails.

Functions in Lambda don't come here: they have their role, and their errors are the workflow's.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.session import Session as BotocoreSession

from model_tools.aws.faults import SERVER_ERROR, TRANSIENT_CODES

LOCAL_REGION = "us-east-1"
LONGEST_FUNCTION = 900
"""Seconds that a Lambda function may take to answer."""
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
UNKNOWN_CALLER = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class CallRefused(Exception):
    """AWS refused a call for a reason that its caller can put right."""


class CallFailed(Exception):
    """AWS could not be reached, was too busy, or broke."""


@dataclass(frozen=True)
class Target:
    """Which AWS a command talks to. None leaves the choice to the AWS configuration of whoever runs it."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine."""
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

    def __init__(self, target: Target, *, environ: Mapping[str, str]) -> None:
        self.target = target
        self._clients: dict[tuple[str, bool], Any] = {}
        with explained("reading the AWS configuration"):
            self._session = _session(target, environ)

    def client(self, service: str, *, once: bool = False) -> Any:
        """Return a boto3 client, the same each time. `once` never repeats a call and waits as long as Lambda may run.

        Raises CallRefused when the region or the profile is missing.
        """
        if (service, once) not in self._clients:
            with explained(f"connecting to {service}"):
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


def _session(target: Target, environ: Mapping[str, str]) -> Any:
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


@contextmanager
def explained(what: str, known: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run calls to AWS for a person; `known` maps error codes to what to tell instead.

    Raises CallRefused where the person can put it right, CallFailed for everything else.
    """
    try:
        yield
    except ClientError as error:
        raise _explain_answer(what, error, known or {}) from error
    except (NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError) as error:
        raise CallRefused(
            f"{what}: no valid AWS credentials ({error}). Sign in (`aws configure` or `aws sso login`), name a "
            "--profile, or use --local for the emulator on this machine."
        ) from error
    except ProfileNotFound as error:
        raise CallRefused(f"{what}: {error}. `aws configure list-profiles` shows those there are.") from error
    except NoRegionError as error:
        raise CallRefused(f"{what}: no AWS region is set. Give --region, or set AWS_REGION.") from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise CallFailed(
            f"{what}: nothing answers ({error}). Check the endpoint and the network; for the emulator, start it with "
            "`model-tools local up`."
        ) from error
    except HTTPClientError as error:
        raise CallFailed(f"{what}: the connection broke ({error}). Try again.") from error
    except BotoCoreError as error:
        raise CallRefused(f"{what}: {error}") from error


def _explain_answer(what: str, error: ClientError, known: Mapping[str, str]) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in known:
        return CallRefused(known[code])
    if code in UNKNOWN_CALLER:
        return CallRefused(
            f"{what}: AWS does not accept the credentials ({code}). Sign in again, or name another --profile."
        )
    if code in DENIED:
        return CallRefused(
            f"{what}: permission denied ({message or code}). Use a --profile that may, or ask for the permission."
        )
    if code in TRANSIENT_CODES or status >= SERVER_ERROR:
        return CallFailed(f"{what}: AWS answered {code} ({status}) each time. Try again in a minute.")
    return CallRefused(f"{what}: {code}: {message}")
