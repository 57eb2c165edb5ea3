"""The settings of the Lambda service: its folder, its credentials, its limits and delays."""

from dataclasses import dataclass, field
from pathlib import Path

from emulator.iam import CredentialsFor


@dataclass(frozen=True)
class LifecycleDelays:
    """The seconds for which the control plane stays busy, so that callers have to wait as on AWS."""

    create: float = 0.2
    update: float = 0.3
    publish: float = 0.2


@dataclass(frozen=True)
class LambdaSettings:
    """Everything that the service needs from outside.

    `credentials_for` is called once for each environment, and must not call the emulator over HTTP. `preinstalled`
    names distributions that functions find beside Lambda's own, as in a container image.
    """

    endpoint_url: str
    credentials_for: CredentialsFor
    work_dir: Path
    preinstalled: tuple[str, ...] = ()
    delays: LifecycleDelays = field(default_factory=LifecycleDelays)
    environments_per_version: int = 10
    queued_per_version: int = 100
    init_seconds: float = 10.0
    snapshot_init_seconds: float = 130.0
    restore_seconds: float = 10.0
    memory_poll_seconds: float = 0.1
    storage_poll_seconds: float = 0.1
    async_retry_delays: tuple[float, ...] = (1.0, 2.0)
