"""The HTTP side of the operations that are repaired, and the URLs that lead to it.

moto looks for `url_bases` and `url_paths` in the module that a backend names.
"""

import json
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.utilities.aws_headers import amz_crc32

from emulator.lambda_.control.backend import EmulatedBackend
from emulator.lambda_.control.function_urls import FunctionUrlRegistry
from emulator.lambda_.control.names import split_name
from emulator.lambda_.control.paging import page_of

STATUS_BY_INVOCATION_TYPE = {"Event": 202, "DryRun": 204}


class EmulatedResponse(LambdaResponse):
    """Answers the operations that moto answers wrongly. All other operations are moto's."""

    @property
    def backend(self) -> EmulatedBackend:
        """The emulator's backend of the caller's account and region."""
        backend = super().backend
        assert isinstance(backend, EmulatedBackend)  # noqa: S101 - start_lambda puts it there
        return backend

    @amz_crc32
    def invoke(self) -> tuple[int, dict[str, str], bytes]:
        """Answer Invoke. moto ignores the qualifier and decodes the payload."""
        headers: dict[str, Any] = {}
        payload = self.backend.invoke(
            self._function_name(1), self._query("Qualifier"), self.raw_body, self.headers, headers
        )
        if self.headers.get("X-Amz-Log-Type") != "Tail":
            headers.pop("x-amz-log-result", None)
        status = STATUS_BY_INVOCATION_TYPE.get(self.headers.get("X-Amz-Invocation-Type", ""), 200)
        return status, {**headers, "content-type": "application/json", "status": str(status)}, payload

    def create_function(self) -> Any:
        """Answer CreateFunction."""
        function = self.backend.create_function(self.json_body)
        return 201, {"status": 201}, json.dumps(function.get_configuration(on_create=True))

    def publish_version(self) -> Any:
        """Answer PublishVersion. moto ignores CodeSha256 and RevisionId."""
        body = json.loads(self.body or "{}")
        version = self.backend.publish_version(
            self._function_name(1), body.get("Description") or "", body.get("CodeSha256"), body.get("RevisionId")
        )
        return 201, {"status": 201}, json.dumps(version.get_configuration())

    def update_alias(self) -> Any:
        """Answer UpdateAlias. moto ignores RevisionId."""
        body = json.loads(self.body)
        alias = self.backend.update_alias(
            unquote(self.path.rsplit("/", 1)[-1]),
            self._function_name(2),
            body.get("FunctionVersion"),
            body.get("Description"),
            body.get("RoutingConfig"),
            body.get("RevisionId"),
        )
        return 200, {"status": 200}, json.dumps(alias.to_json())

    def delete_alias(self) -> Any:
        """Answer DeleteAlias with the status 204."""
        super().delete_alias()
        return 204, {"status": 204}, ""

    def create_function_url_config(self) -> Any:
        """Answer CreateFunctionUrlConfig, for aliases as well."""
        return 201, {"status": 201}, json.dumps(self._urls.create(*self._url_of(), self.json_body).describe())

    def get_function_url_config(self) -> Any:
        """Answer GetFunctionUrlConfig."""
        return 200, {"status": 200}, json.dumps(self._urls.get(*self._url_of()).describe())

    def update_function_url_config(self) -> Any:
        """Answer UpdateFunctionUrlConfig."""
        return 200, {"status": 200}, json.dumps(self._urls.update(*self._url_of(), self.json_body).describe())

    def delete_function_url_config(self) -> Any:
        """Answer DeleteFunctionUrlConfig."""
        self._urls.delete(*self._url_of())
        return 204, {"status": 204}, ""

    @property
    def _urls(self) -> FunctionUrlRegistry:
        return self.backend.function_urls

    def _url_of(self) -> tuple[str, str | None]:
        return split_name(self._function_name(1), self._query("Qualifier"))

    def list_functions(self) -> str:
        """Answer ListFunctions in pages."""
        functions = list(self.backend.list_functions(self._query("FunctionVersion")))
        return self._page("Functions", [function.get_configuration() for function in functions])

    def list_versions_by_function(self) -> str:
        """Answer ListVersionsByFunction in pages, for a name or an ARN."""
        versions = self.backend.list_versions_by_function(self._function_name(1))
        return self._page("Versions", [version.get_configuration() for version in versions])

    def list_aliases(self) -> Any:
        """Answer ListAliases in pages, for one version when the request names it."""
        wanted = self._query("FunctionVersion")
        found = self.backend.list_aliases(self._function_name(1))
        return 200, {}, self._page("Aliases", [a.to_json() for a in found if wanted in (None, a.function_version)])

    def _page(self, key: str, items: list[dict[str, Any]]) -> str:
        page, marker = page_of(items, self._query("Marker"), self._query("MaxItems"))
        return json.dumps({key: page, **({"NextMarker": marker} if marker else {})})

    def _query(self, name: str) -> str | None:
        # moto looks in the body as well, and the body of Invoke is the function's
        found = parse_qs(self.parsed_url.query).get(name)
        return found[0] if found else None

    def _function_name(self, parts_after: int) -> str:
        return unquote(self.path.rstrip("/").split("/")[-1 - parts_after])


url_bases = urls.url_bases
url_paths = dict.fromkeys(urls.url_paths, EmulatedResponse.dispatch)
