"""Functions, versions and layers in the control plane: moto's models with the fields and states that they lack."""

import base64
import copy
import json
import uuid
from collections.abc import Mapping
from typing import Any, Self

from moto.awslambda.models import LambdaFunction, LayerVersion, lambda_backends
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from emulator.lambda_.api_errors import InvalidParameterValue, PreconditionFailed, Unsupported
from emulator.lambda_.control.code import check_unzipped_size, read_code
from emulator.lambda_.control.code_download import download_url
from emulator.lambda_.control.lifecycle import CREATING, Lifecycle
from emulator.lambda_.control.variables import check_variables
from emulator.lambda_.runtime.function_runtime import FunctionRuntime
from emulator.lambda_.spec import CodePackage, FunctionSpec

OLDEST_SNAPSTART_PYTHON = (3, 12)

SNAPSTART_EPHEMERAL_MB = 512
"""The largest /tmp of a function with SnapStart."""

LONGEST_TIMEOUT = 900
"""Seconds."""

LAYERS_LIMIT = 5

MEMORY_MB = range(128, 10_241)


class EmulatedLayerVersion(LayerVersion):
    """A layer's version with its zip in the code store."""

    def __init__(self, function_runtime: FunctionRuntime, spec: dict[str, Any], account_id: str, region: str) -> None:
        data = read_code(spec["Content"], account_id=account_id, partition=get_partition(region))
        self.package = function_runtime.code.add(data)
        check_unzipped_size(self.package, ())
        content = {"ZipFile": base64.b64encode(data).decode()}
        super().__init__({**spec, "Content": content}, account_id, region)
        self.code_bytes = b""  # moto's copy, which the emulator does not read

    def get_layer_version(self) -> dict[str, Any]:
        """Return the description that GetLayerVersion answers with. It has no location to download from."""
        described = super().get_layer_version()
        described["Content"].pop("Location")
        return described


class EmulatedFunction(LambdaFunction):
    """`$LATEST` or a version.

    `serving` is the state that invocations run: the state before, while an update is in progress.
    """

    def __init__(self, function_runtime: FunctionRuntime, account_id: str, spec: dict[str, Any], region: str) -> None:
        self.function_runtime = function_runtime
        self.lifecycle: Lifecycle = CREATING
        self.revision_id = str(uuid.uuid4())
        self.serving: FunctionSpec | None = None
        self.last_version = 0
        self.published_from: str | None = None
        self.package: CodePackage
        self.apply_on = spec.get("SnapStart", {}).get("ApplyOn", "None")
        self.logging_config: dict[str, str] = dict(spec.get("LoggingConfig", {}))
        super().__init__(account_id, {**spec, "Code": dict(spec["Code"])}, region, version="$LATEST")
        self.check()

    def _set_function_code(self, updated_spec: dict[str, Any]) -> None:
        """Read and store the code that the function is created with. moto calls this method."""
        data = read_code(updated_spec, account_id=self.account_id, partition=self.partition)
        self.take_code(self.function_runtime.code.add(data), updated_spec)

    def take_code(self, package: CodePackage, where: Mapping[str, Any]) -> None:
        """Make a zip the function's code. `where` is the block of the request that names it."""
        self.package = package
        self.code = {name: where[name] for name in ("S3Bucket", "S3Key") if name in where}
        self.code_bytes = b""  # moto's copy, which the emulator does not read
        self.code_size = package.size
        self.code_sha_256 = package.sha256_base64
        self.code_digest = package.digest

    def touch(self) -> None:
        """Give the function a new revision, since something has changed."""
        self.revision_id = str(uuid.uuid4())

    def check_revision(self, revision_id: str | None) -> None:
        """Raise PreconditionFailedException when the caller names a revision that is not the current one."""
        if revision_id and revision_id != self.revision_id:
            raise PreconditionFailed

    def with_changes(self, changes: Mapping[str, Any]) -> Self:
        """Return a checked copy of the function with these fields; the function itself is not changed."""
        changed = copy.copy(self)
        changed.update_configuration(dict(changes))
        if "SnapStart" in changes:
            changed.apply_on = changes["SnapStart"]["ApplyOn"]
        if "TracingConfig" in changes:
            changed.tracing_config = changes["TracingConfig"]
        if "EphemeralStorage" in changes:
            changed.ephemeral_storage = changes["EphemeralStorage"]["Size"]
        if "LoggingConfig" in changes:
            changed.logging_config = {**self.logging_config, **changes["LoggingConfig"]}
        changed.check()
        return changed

    def check(self) -> None:
        """Raise Lambda's error for a configuration that Lambda refuses or that the emulator cannot run."""
        version = str(self.run_time or "").removeprefix("python").split(".")
        if not str(self.run_time).startswith("python3.") or not version[1].isdigit():
            raise Unsupported(f"the runtime {self.run_time}", "use one of python3.x")
        if not self.handler:
            raise InvalidParameterValue("Handler is needed for a zip function")
        if not 1 <= self.timeout <= LONGEST_TIMEOUT:
            raise InvalidParameterValue(f"Timeout {self.timeout} must be between 1 and {LONGEST_TIMEOUT} seconds")
        if self.memory_size not in MEMORY_MB:
            raise InvalidParameterValue(f"MemorySize {self.memory_size} must be between 128 and 10240 MB")
        if self.apply_on == "PublishedVersions":
            if (int(version[0]), int(version[1])) < OLDEST_SNAPSTART_PYTHON:
                raise InvalidParameterValue(f"{self.run_time} is not supported for SnapStart enabled functions.")
            if self.ephemeral_storage > SNAPSTART_EPHEMERAL_MB:
                raise InvalidParameterValue(
                    f"SnapStart is not supported with more than {SNAPSTART_EPHEMERAL_MB} MB of ephemeral storage."
                )
        if len(self.layers) > LAYERS_LIMIT:
            raise InvalidParameterValue(f"Cannot reference more than {LAYERS_LIMIT} layers.")
        check_variables(self.environment_vars)
        check_unzipped_size(self.package, self.layer_packages())
        try:
            iam_backends[self.account_id][self.partition].get_role_by_arn(self.role)
        except NotFoundException as error:
            raise InvalidParameterValue("The role defined for the function cannot be assumed by Lambda.") from error

    def layer_packages(self) -> tuple[CodePackage, ...]:
        """Return the layers' zips, in order."""
        return tuple(self._layer_version(layer["Arn"]).package for layer in self.layers)

    def _layer_version(self, arn: str) -> EmulatedLayerVersion:
        found = lambda_backends[self.account_id][self.region].layers_versions_by_arn(arn)
        if found is None:
            raise InvalidParameterValue(f"Layer version {arn} does not exist.")
        assert isinstance(found, EmulatedLayerVersion)  # noqa: S101 - the emulator's backend keeps no other
        return found

    def to_spec(self) -> FunctionSpec:
        """Return the present state in the form that the runtime runs."""
        return FunctionSpec(
            account_id=self.account_id,
            region=self.region,
            name=self.function_name,
            version=str(self.version),
            arn=self.unqualified_arn,
            handler=str(self.handler),
            runtime=str(self.run_time),
            role=self.role,
            memory_mb=self.memory_size,
            storage_mb=self.ephemeral_storage,
            timeout=float(self.timeout),
            variables={name: str(value) for name, value in self.environment_vars.items()},
            code=self.package,
            layers=self.layer_packages(),
            snap_start=self.apply_on == "PublishedVersions",
            log_group=self.logging_config.get("LogGroup") or self.logs_group_name,
            log_format=self.logging_config.get("LogFormat", "Text"),
            application_log_level=self.logging_config.get("ApplicationLogLevel"),
        )

    @property
    def unqualified_arn(self) -> str:
        """The function's ARN without a version."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account_id}:function:{self.function_name}"

    @property
    def restores(self) -> bool:
        """True when its environments are restored from a snapshot."""
        return self.apply_on == "PublishedVersions" and str(self.version) != "$LATEST"

    def fingerprint(self) -> str:
        """Return code and configuration as one text. PublishVersion makes no new version while it is the same."""
        volatile = {"RevisionId", "LastModified", "State", "Version", "FunctionArn"}
        fields = self.get_configuration().items()
        kept = {name: value for name, value in fields if name not in volatile and not name.startswith("LastUpdate")}
        return json.dumps(kept, sort_keys=True, default=str)

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - moto's signature
        """Return the FunctionConfiguration that the API answers with."""
        configuration = super().get_configuration(on_create)
        optimized = self.restores and self.lifecycle.state == "Active"
        return {
            **configuration,
            **self.lifecycle.describe(),
            "RevisionId": self.revision_id,
            "SnapStart": {"ApplyOn": self.apply_on, "OptimizationStatus": "On" if optimized else "Off"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": self.logs_group_name, **self.logging_config},
        }

    def get_code(self) -> dict[str, Any]:
        """Return the description that GetFunction answers with, and a URL that the zip can be downloaded from."""
        described = super().get_code()
        location = download_url(
            self.package, region=self.region, endpoint_url=self.function_runtime.settings.endpoint_url
        )
        return {**described, "Code": {"RepositoryType": "S3", "Location": location}}

    def invoke(self, body: str, request_headers: Any, response_headers: Any) -> bytes:  # noqa: ARG002 - moto's signature
        """Invoke the function asynchronously for another service of moto (SNS, logs, DynamoDB)."""
        backend = lambda_backends[self.account_id][self.region]
        headers = {"X-Amz-Invocation-Type": "Event"}
        backend.invoke(self.function_name, str(self.version), body, headers, response_headers)
        return b""
