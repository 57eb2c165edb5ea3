"""Function URLs: one for a function and one for each of its aliases."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.exceptions import GenericResourcNotFound

from emulator.lambda_.api_errors import InvalidParameterValue, ResourceConflict, Unsupported
from emulator.lambda_.control.storage import EmulatedStorage

_AUTH_TYPES = ("AWS_IAM", "NONE")


@dataclass(frozen=True)
class FunctionUrl:
    """One function URL. `qualifier` is an alias, or None for `$LATEST`."""

    url_id: str
    function_name: str
    qualifier: str | None
    function_arn: str
    region: str
    auth_type: str
    created: str
    modified: str

    def describe(self) -> dict[str, Any]:
        """Return the description that the API answers with."""
        return {
            "FunctionUrl": f"https://{self.url_id}.lambda-url.{self.region}.on.aws/",
            "FunctionArn": self.function_arn,
            "AuthType": self.auth_type,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "InvokeMode": "BUFFERED",
        }


class FunctionUrlRegistry:
    """The URLs of one account's functions in one region."""

    def __init__(self, storage: EmulatedStorage, region: str) -> None:
        self._storage = storage
        self._region = region
        self._urls: dict[tuple[str, str | None], FunctionUrl] = {}

    def create(self, name: str, qualifier: str | None, config: Mapping[str, Any]) -> FunctionUrl:
        """Give a function or an alias its URL."""
        function = self._storage.function(name)
        arn = function.unqualified_arn
        if qualifier is not None:
            arn = self._storage.get_alias(qualifier, name).arn  # a version has no URL of its own
        if (name, qualifier) in self._urls:
            raise ResourceConflict(f"Failed to create function url config for [functionArn = {arn}]. It exists already")
        if config.get("AuthType") not in _AUTH_TYPES:
            raise InvalidParameterValue(f"AuthType must be one of {', '.join(_AUTH_TYPES)}")
        _check(config)
        now = _now()
        url = FunctionUrl(
            uuid.uuid4().hex, name, qualifier, arn, self._region, config["AuthType"], created=now, modified=now
        )
        self._urls[name, qualifier] = url
        return url

    def get(self, name: str, qualifier: str | None) -> FunctionUrl:
        """Return a URL; raises ResourceNotFoundException."""
        if (name, qualifier) not in self._urls:
            raise GenericResourcNotFound
        return self._urls[name, qualifier]

    def update(self, name: str, qualifier: str | None, config: Mapping[str, Any]) -> FunctionUrl:
        """Change the authorization of a URL; raises ResourceNotFoundException."""
        _check(config)
        auth_type = config.get("AuthType", self.get(name, qualifier).auth_type)
        if auth_type not in _AUTH_TYPES:
            raise InvalidParameterValue(f"AuthType must be one of {', '.join(_AUTH_TYPES)}")
        changed = replace(self.get(name, qualifier), auth_type=auth_type, modified=_now())
        self._urls[name, qualifier] = changed
        return changed

    def delete(self, name: str, qualifier: str | None) -> None:
        """Delete a URL; raises ResourceNotFoundException."""
        self.get(name, qualifier)
        del self._urls[name, qualifier]

    def forget(self, name: str) -> None:
        """Delete all URLs of a function and of its aliases."""
        for key in [key for key in self._urls if key[0] == name]:
            del self._urls[key]

    def by_id(self, url_id: str) -> FunctionUrl | None:
        """Return the URL whose id is the first label of a host name; None when there is none."""
        return next((url for url in list(self._urls.values()) if url.url_id == url_id), None)


def _check(config: Mapping[str, Any]) -> None:
    if config.get("Cors"):
        raise Unsupported("CORS of a function URL", "leave out Cors and answer the headers from the function")
    if config.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise Unsupported("streamed answers of a function URL", "leave out InvokeMode")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
