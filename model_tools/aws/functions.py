"""Lambda: one function's code, versions and alias, and calls of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any

import urllib3
from botocore.exceptions import ClientError

from model_tools.aws.faults import ErrorPolicy, Meaning, code_of
from model_tools.errors import AliasChanged, ServiceUnavailable
from model_tools.release.messages import alias_is_gone
from model_tools.release.retention import PublishedVersion
from model_tools.release.rollout import Split, Version

CHUNK = 1 << 20
"""Bytes of a download that are held in memory at a time."""
NOT_FOUND = "ResourceNotFoundException"


@dataclass(frozen=True)
class AliasState:
    """An alias' split of the traffic, and the revision that a guarded update must name."""

    split: Split
    revision_id: str


@dataclass(frozen=True)
class DeployedFunction:
    """The code and configuration of `$LATEST`, and the revision that a guarded update must name."""

    code_url: str
    """The address at which its zip can be downloaded for some minutes; empty for a container image."""
    code_sha256: str
    """The code's digest as Lambda writes it: base64 for a zip, hexadecimal for an image."""
    variables: Mapping[str, str]
    """Its environment variables."""
    revision_id: str


@dataclass(frozen=True)
class Reply:
    """The outcome of one call of the function."""

    payload: object
    """The function's answer; its error when it failed."""
    executed_version: str
    function_error: str | None
    """None unless the function raised, died or ran out of time."""


class LambdaFunction:
    """One Lambda function through boto3 clients."""

    def __init__(self, client: Any, name: str, *, errors: ErrorPolicy, invoking_client: Any = None) -> None:
        """Take a client, and another one for calls of the function where these need other limits."""
        self._lambda = client
        self._invoking = invoking_client or client
        self._explained = errors
        self.name = name

    def deployed(self) -> DeployedFunction:
        """Return the code and configuration of `$LATEST` now."""
        with self._explained(f"reading the code of {self.name}"):
            answer = self._lambda.get_function(FunctionName=self.name)
        configuration = answer["Configuration"]
        return DeployedFunction(
            code_url=answer["Code"].get("Location", ""),
            code_sha256=configuration["CodeSha256"],
            variables=configuration.get("Environment", {}).get("Variables", {}),
            revision_id=configuration["RevisionId"],
        )

    def download_code(self, deployed: DeployedFunction, into: IO[bytes]) -> None:
        """Write the code's zip to a file object. Raises ServiceUnavailable when it does not arrive whole."""
        action = f"downloading the code of {self.name}"
        try:
            with urllib3.PoolManager().request("GET", deployed.code_url, preload_content=False) as response:
                if response.status != HTTPStatus.OK:
                    raise ServiceUnavailable(f"{action}: {response.status}; it is tried again")
                for chunk in response.stream(CHUNK):
                    into.write(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise ServiceUnavailable(f"{action}: {type(error).__name__}; it is tried again") from error

    def alias(self, name: str = "live") -> AliasState:
        """Return an alias as it is now. Raises AliasChanged (to people: CallRefused) when it is gone."""
        gone = Meaning(alias_is_gone(self.name, name), AliasChanged)
        with self._explained(f"reading alias {name} of {self.name}", {NOT_FOUND: gone}):
            alias = self._lambda.get_alias(FunctionName=self.name, Name=name)
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        shares = tuple(sorted((Version(version), round(float(share), 6)) for version, share in weights.items()))
        return AliasState(Split(Version(alias["FunctionVersion"]), shares), alias["RevisionId"])

    def shares(self, alias: str = "live") -> Mapping[str, float]:
        """Return each version's share of the alias' requests, 0…1. Raises as `alias` does."""
        return self.alias(alias).split.shares()

    def invoke(self, payload: object, *, qualifier: str) -> Reply:
        """Call one version or alias and wait for the answer."""
        meanings = {
            NOT_FOUND: Meaning(
                f"{self.name} has no version or alias {qualifier!r}. `model-tools releases` shows the versions that "
                "were published."
            ),
            "RequestTooLargeException": Meaning(
                "The request is larger than the 6 MB that Lambda takes: send a smaller image, or its address as "
                '{"url": "https://…"}.'
            ),
        }
        with self._explained(f"asking {self.name}:{qualifier}", meanings):
            answer = self._invoking.invoke(
                FunctionName=self.name, Qualifier=qualifier, Payload=json.dumps(payload).encode()
            )
            body = answer["Payload"].read()
        return Reply(_parsed(body), answer.get("ExecutedVersion", qualifier), answer.get("FunctionError"))

    def versions(self) -> Iterator[PublishedVersion]:
        """Yield the published versions, oldest first."""
        with self._explained(f"listing the versions of {self.name}"):
            pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
            for page in pages:
                for version in page["Versions"]:
                    if version["Version"] != "$LATEST":
                        yield PublishedVersion(int(version["Version"]), version.get("Description", ""))

    def versions_in_use(self) -> set[int]:
        """Return the versions that any alias names."""
        with self._explained(f"listing the aliases of {self.name}"):
            pages = self._lambda.get_paginator("list_aliases").paginate(FunctionName=self.name)
            aliases = [alias for page in pages for alias in page["Aliases"]]
        used = {alias["FunctionVersion"] for alias in aliases}
        for alias in aliases:
            used |= ((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}).keys()
        return {int(version) for version in used if version != "$LATEST"}

    def delete_version(self, number: int) -> None:
        """Delete one version; one that is already gone is as good. The function itself is out of reach here."""
        with self._explained(f"deleting version {number} of {self.name}"):
            try:
                self._lambda.delete_function(FunctionName=self.name, Qualifier=str(number))
            except ClientError as error:
                if code_of(error) != NOT_FOUND:
                    raise


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body or b"null")
    except ValueError:
        return body.decode(errors="replace")
