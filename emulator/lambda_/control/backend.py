"""moto's Lambda backend with the control plane of the emulator. All changes happen under one lock."""

import copy
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

from moto.awslambda.exceptions import FunctionAlreadyExists
from moto.awslambda.models import LambdaAlias, LambdaBackend

from emulator.lambda_.api_errors import InvalidParameterValue, ResourceConflict, Unsupported
from emulator.lambda_.control import aliases, versions
from emulator.lambda_.control.code import check_unzipped_size, read_code
from emulator.lambda_.control.function_urls import FunctionUrlRegistry
from emulator.lambda_.control.functions import EmulatedFunction, EmulatedLayerVersion
from emulator.lambda_.control.invoke import InvokeRequest, invoke
from emulator.lambda_.control.lifecycle import ACTIVE, UPDATING
from emulator.lambda_.control.names import split_name
from emulator.lambda_.control.storage import EmulatedStorage
from emulator.lambda_.runtime.function_runtime import Failure, FunctionRuntime
from emulator.lambda_.spec import FunctionSpec


class EmulatedBackend(LambdaBackend):
    """The functions of one account in one region.

    `start_lambda` makes the subclass that knows the runtime and the URLs.
    """

    function_runtime: ClassVar[FunctionRuntime]
    _url_module: ClassVar[ModuleType]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._storage = self._lambdas = EmulatedStorage(region_name=region_name, account_id=account_id)
        self._lock = threading.RLock()
        self.function_urls = FunctionUrlRegistry(self._storage, region_name)

    @property
    def storage(self) -> EmulatedStorage:
        """All functions of this account and region."""
        return self._storage

    def create_function(self, spec: dict[str, Any]) -> EmulatedFunction:
        """Create a function, which is `Pending` until it is ready. With `Publish`, create its first version as well."""
        with self._lock:
            name, _ = split_name(spec["FunctionName"])
            if name in self._storage._functions:
                raise FunctionAlreadyExists(name)
            # moto's own functions leave the same abstract methods out: nothing is made by its CloudFormation
            function = EmulatedFunction(  # type: ignore[abstract]
                self.function_runtime, self.account_id, {**spec, "FunctionName": name}, self.region_name
            )
            self._storage.put_function(function)
            self._make_ready(function, function.to_spec(), self.function_runtime.settings.delays.create)
            if spec.get("Publish"):
                return self._publish(function, "")
            return function

    def update_function_code(self, function_name: str, qualifier: str | None, body: dict[str, Any]) -> dict[str, Any]:
        """Replace the code. The code before it serves until `LastUpdateStatus` is `Successful`."""
        with self._lock:
            function = self._changeable(function_name, qualifier, body.get("RevisionId"))
            package = self.function_runtime.code.add(
                read_code(body, account_id=self.account_id, partition=self.partition)
            )
            check_unzipped_size(package, function.layer_packages())
            if body.get("DryRun"):
                planned = copy.copy(function)
                planned.take_code(package, body)
                return planned.get_configuration()
            function.take_code(package, body)
            self._update(function)
            if body.get("Publish"):
                return self._publish(function, "").get_configuration()
            return function.get_configuration()

    def update_function_configuration(
        self, function_name: str, qualifier: str | None, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Change the configuration. When one field is wrong, nothing is changed."""
        with self._lock:
            function = self._changeable(function_name, qualifier, body.get("RevisionId"))
            function.__dict__.update(function.with_changes(body).__dict__)
            self._update(function)
            return function.get_configuration()

    def publish_version(
        self,
        function_name: str,
        description: str = "",
        code_sha256: str | None = None,
        revision_id: str | None = None,
    ) -> EmulatedFunction:
        """Publish `$LATEST` and return the version. When nothing has changed, this is the version published last."""
        with self._lock:
            function = self._storage.unqualified_function(function_name)
            function.lifecycle.check_publish(function.unqualified_arn)
            function.check_revision(revision_id)
            versions.check_code_sha256(function, code_sha256)
            return self._publish(function, description)

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a version, or the function with everything that belongs to it."""
        with self._lock:
            name, number = split_name(function_name, qualifier)
            function = self._storage.function(name)
            if number is None:
                gone = versions.remove_all(self._storage, function)
                self.function_urls.forget(name)
            else:
                version = self._storage.version(name, number)
                if version is None and number != "$LATEST":
                    raise self._storage.construct_unknown_function_exception(name, number)
                versions.remove(self._storage, function, version or function)
                gone = [version or function]
            for each in gone:
                if each.serving is not None:
                    self.function_runtime.retire(each.serving)

    def list_versions_by_function(self, function_name: str) -> Sequence[EmulatedFunction]:
        """Return `$LATEST` and all versions; raises ResourceNotFoundException for a function that is not there."""
        name, _ = split_name(function_name)
        self._storage.function(name)
        return self._storage.list_versions_by_function(name)

    def list_aliases(self, function_name: str) -> Sequence[LambdaAlias]:
        """Return all aliases of a function, ordered by name."""
        return list(self._storage.list_aliases(split_name(function_name)[0]))

    def create_alias(
        self, name: str, function_name: str, function_version: str, description: str, routing_config: Any
    ) -> LambdaAlias:
        """Create an alias; raises Lambda's error when its versions or weights are wrong."""
        with self._lock:
            function_name, _ = split_name(function_name)
            aliases.check_name(name)
            aliases.check_routing(self._storage, function_name, function_version, routing_config)
            if name in self._storage._get_function_aliases(function_name):
                raise ResourceConflict(f"Alias already exists: {function_name}:{name}")
            return self._storage.put_alias(name, function_name, function_version, description, routing_config)

    def update_alias(
        self,
        name: str,
        function_name: str,
        function_version: str | None,
        description: str | None,
        routing_config: Any,
        revision_id: str | None = None,
    ) -> LambdaAlias:
        """Change the given fields of an alias; raises Lambda's error when the whole would be wrong."""
        with self._lock:
            function_name, _ = split_name(function_name)
            alias = self._storage.get_alias(name, function_name)
            aliases.check_revision(alias, revision_id)
            version = function_version or alias.function_version
            routing: Any = alias.routing_config if routing_config is None else routing_config
            aliases.check_routing(self._storage, function_name, version, routing)
            alias.update(description, version, None)
            # moto declares text, and keeps the API's object or None
            alias.routing_config = routing if versions.additional_weights(routing) else None  # type: ignore[assignment]
            alias.revision_id = aliases.new_revision()
            return alias

    def publish_layer_version(self, spec: dict[str, Any]) -> EmulatedLayerVersion:
        """Store a layer's zip as its next version."""
        if not spec.get("Content"):
            raise InvalidParameterValue("Missing Content")
        with self._lock:
            version = EmulatedLayerVersion(  # type: ignore[abstract] # as above, for functions
                self.function_runtime, spec, self.account_id, self.region_name
            )
            self._layers.put_layer_version(version)
            return version

    def put_function_event_invoke_config(self, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        """Store how often events are retried. Destinations are refused, since nothing would be sent there."""
        if any(config.get("DestinationConfig", {}).values()):
            raise Unsupported("destinations of asynchronous invocations", "leave out DestinationConfig")
        return super().put_function_event_invoke_config(function_name, config)

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: bytes | str,
        headers: Mapping[str, str],
        response_headers: MutableMapping[str, Any],
    ) -> bytes:
        """Invoke a function, a version or an alias; see `invoke.invoke`."""
        name, qualifier = split_name(function_name, qualifier)
        return invoke(self, name, qualifier, InvokeRequest.parse(body, headers), response_headers)

    def _changeable(self, name: str, qualifier: str | None, revision_id: str | None) -> EmulatedFunction:
        plain, number = split_name(name, qualifier)
        if number not in (None, "$LATEST"):
            raise InvalidParameterValue("This operation is permitted on Lambda functions only: leave the qualifier out")
        function = self._storage.function(plain)
        function.lifecycle.check_change(function.unqualified_arn)
        function.check_revision(revision_id)
        return function

    def _update(self, function: EmulatedFunction) -> None:
        function.touch()
        function.lifecycle = UPDATING
        self._make_ready(function, function.to_spec(), self.function_runtime.settings.delays.update)

    def _publish(self, function: EmulatedFunction, description: str) -> EmulatedFunction:
        version, new = versions.publish(self._storage, function, description)
        if new and version.serving is not None:
            self._make_ready(version, version.serving, self.function_runtime.settings.delays.publish)
        return version

    def _make_ready(self, function: EmulatedFunction, spec: FunctionSpec, delay: float) -> None:
        """Let the runtime prepare a state. When it is done, the state serves or the function has failed."""

        def done(failure: Failure | None) -> None:
            with self._lock:
                before = function.serving
                if failure is None:
                    function.serving, function.lifecycle = spec, ACTIVE
                else:
                    function.lifecycle = function.lifecycle.failed(*failure)
                function.touch()  # as on AWS: the end of an update makes another revision
                if not self._exists(function):
                    self.function_runtime.retire(spec)
                elif before is not None and before is not spec and failure is None:
                    self.function_runtime.retire(before)

        self.function_runtime.prepare(spec, delay, done)

    def _exists(self, function: EmulatedFunction) -> bool:
        group = self._storage._functions.get(function.function_name)
        return group is not None and any(each is function for each in (group["latest"], *group["versions"]))
