"""What the Lambda service is told when it is installed: where it lives, who pays, how long things take."""

from dataclasses import dataclass, field
from pathlib import Path

from emulator.iam import CredentialsFor


@dataclass(frozen=True)
class Delays:
    """Seconds of real time that the control plane stays busy, so that wait loops are exercised."""

    create: float = 0.2
    update: float = 0.3
    publish: float = 0.2


@dataclass(frozen=True)
class LambdaSettings:
    """Everything that the service takes from outside.

    `credentials_for(role_arn, session_name)` gives the temporary credentials of a function's role; it is called once
    for each environment, from the service's own thread, and must not call the emulator over HTTP. `preinstalled` are
    distributions that functions find beside Lambda's own, as in a container image.
    """

    endpoint_url: str
    credentials_for: CredentialsFor
    work_dir: Path
    preinstalled: tuple[str, ...] = ()
    delays: Delays = field(default_factory=Delays)
    environments_per_version: int = 10
    queued_per_version: int = 100
    init_seconds: float = 10.0
    snapshot_init_seconds: float = 130.0
    restore_seconds: float = 10.0
    memory_poll_seconds: float = 0.1
    storage_poll_seconds: float = 0.1
    async_retry_delays: tuple[float, ...] = (1.0, 2.0)
