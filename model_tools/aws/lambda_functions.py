"""Lambda: the inference function's code, versions and alias, and calls of one exact version."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any

import urllib3

from model_tools.aws.faults import translated
from model_tools.errors import AliasChanged, ServiceUnavailable
from model_tools.release.retention import PublishedVersion
from model_tools.release.rollout import Split, Version

CHUNK = 1 << 20


@dataclass(frozen=True)
class AliasState:
    """What an alias says, and the revision that a guarded update must name."""

    split: Split
    revision_id: str


@dataclass(frozen=True)
class DeployedFunction:
    """What `$LATEST` is made of, at the revision that a guarded update must name."""

    code_url: str
    """Where its zip can be downloaded for some minutes; empty for a container image."""
    code_sha256: str
    """As Lambda writes it: base64 of a zip's digest, or hex of an image's."""
    variables: Mapping[str, str]
    """Its environment."""
    revision_id: str


@dataclass(frozen=True)
class Answer:
    """What a call of the function came back with."""

    payload: object
    executed_version: str
    function_error: str | None


class FunctionVersions:
    """One Lambda function through one boto3 client."""

    def __init__(self, client: Any, function: str) -> None:
        self._lambda = client
        self._function = function

    def deployed(self) -> DeployedFunction:
        """Return what `$LATEST` is made of now."""
        with translated(f"reading the code of {self._function}"):
            answer = self._lambda.get_function(FunctionName=self._function)
        configuration = answer["Configuration"]
        return DeployedFunction(
            code_url=answer["Code"].get("Location", ""),
            code_sha256=configuration["CodeSha256"],
            variables=configuration.get("Environment", {}).get("Variables", {}),
            revision_id=configuration["RevisionId"],
        )

    def download_code(self, deployed: DeployedFunction, into: IO[bytes]) -> None:
        """Write the code's zip to a file object."""
        what = f"downloading the code of {self._function}"
        try:
            with urllib3.PoolManager().request("GET", deployed.code_url, preload_content=False) as response:
                if response.status != HTTPStatus.OK:
                    raise ServiceUnavailable(f"{what}: {response.status}; it is tried again")
                for chunk in response.stream(CHUNK):
                    into.write(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise ServiceUnavailable(f"{what}: {type(error).__name__}; it is tried again") from error

    def alias(self, name: str = "live") -> AliasState:
        """Return what an alias says now. Raises AliasChanged when it is gone."""
        gone = AliasChanged(
            f"The alias {name} of {self._function} is gone, so no request reaches any version. Make it again on the "
            "version that should serve, which `model-tools releases` shows: aws lambda create-alias --function-name "
            f"{self._function} --name {name} --function-version N. Then publish again."
        )
        with translated(f"reading alias {name} of {self._function}", {"ResourceNotFoundException": gone}):
            alias = self._lambda.get_alias(FunctionName=self._function, Name=name)
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        shares = tuple(sorted((Version(version), round(float(share), 6)) for version, share in weights.items()))
        return AliasState(Split(Version(alias["FunctionVersion"]), shares), alias["RevisionId"])

    def invoke(self, payload: object, *, qualifier: str) -> Answer:
        """Call one version and wait for its answer."""
        with translated(f"invoking {self._function}:{qualifier}"):
            answer = self._lambda.invoke(
                FunctionName=self._function, Qualifier=qualifier, Payload=json.dumps(payload).encode()
            )
            body = answer["Payload"].read()
        return Answer(json.loads(body), answer["ExecutedVersion"], answer.get("FunctionError"))

    def versions(self) -> Iterator[PublishedVersion]:
        """Yield the published versions, oldest first."""
        with translated(f"listing the versions of {self._function}"):
            pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self._function)
            for page in pages:
                for version in page["Versions"]:
                    if version["Version"] != "$LATEST":
                        yield PublishedVersion(int(version["Version"]), version.get("Description", ""))

    def versions_in_use(self) -> set[int]:
        """Return the versions that any alias names."""
        with translated(f"listing the aliases of {self._function}"):
            pages = self._lambda.get_paginator("list_aliases").paginate(FunctionName=self._function)
            aliases = [alias for page in pages for alias in page["Aliases"]]
        used = {alias["FunctionVersion"] for alias in aliases}
        for alias in aliases:
            used |= ((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}).keys()
        return {int(version) for version in used if version != "$LATEST"}

    def delete_version(self, number: int) -> None:
        """Delete one version; one that is already gone is as good. The function itself is out of reach here."""
        with translated(f"deleting version {number} of {self._function}"):
            try:
                self._lambda.delete_function(FunctionName=self._function, Qualifier=str(number))
            except self._lambda.exceptions.ResourceNotFoundException:
                return
