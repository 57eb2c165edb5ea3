"""One immutable state of a function: the code and the configuration that environments are started with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CodePackage:
    """A zip that was uploaded as code or as a layer. `size` and `unzipped_size` are in bytes."""

    digest: str
    sha256_base64: str
    size: int
    unzipped_size: int
    archive: Path


@dataclass(frozen=True, eq=False)
class FunctionSpec:
    """One state of a function. Two specs are never equal: each has its own environments."""

    account_id: str
    region: str
    name: str
    version: str
    arn: str
    handler: str
    runtime: str
    role: str
    memory_mb: int
    storage_mb: int
    timeout: float
    variables: Mapping[str, str]
    code: CodePackage
    layers: tuple[CodePackage, ...]
    snap_start: bool
    log_group: str
    log_format: str = "Text"
    application_log_level: str | None = None

    @property
    def restores(self) -> bool:
        """True when its environments are restored from a snapshot, which `$LATEST` never has."""
        return self.snap_start and self.version != "$LATEST"
