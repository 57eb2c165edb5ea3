"""The file that `local up` writes and `--local` reads: it says where this user's emulator runs."""

import json
import os
import socket
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from model_tools.aws.connection import is_loopback
from model_tools.cli.errors import UserError

PATIENCE = 2.0
"""Seconds within which a running emulator accepts a connection."""
START_ONE = "Start one with `model-tools local up` (in another terminal: it stays in the foreground)."
"""The remedy in every message about a missing emulator."""


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator that `local up` started."""

    endpoint_url: str
    region: str
    stack_name: str
    pid: int
    """The id of the emulator's own process."""


def state_path(environ: Mapping[str, str]) -> Path:
    """Return the path of this user's state file."""
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "model-tools" / "emulator.json"
    user = os.getuid() if hasattr(os, "getuid") else environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"model-tools-{user}" / "emulator.json"


def write_state(path: Path, emulator: RunningEmulator) -> None:
    """Write the state file, readable by its user alone. Raises UserError when somebody else owns its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_owner(path.parent)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): set XDG_RUNTIME_DIR to a folder of yours."
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(emulator), file)


def remove_state(path: Path, pid: int) -> None:
    """Remove the state file, unless another emulator has overwritten it."""
    try:
        if _read(path).pid == pid:
            path.unlink()
            path.parent.rmdir()
    except (OSError, ValueError, TypeError, KeyError):
        return


def running_emulator(path: Path) -> RunningEmulator | None:
    """Return the emulator that the state file names, or None when it no longer answers.

    Raises UserError for a file that somebody else could have written, or that names another machine.
    """
    if not path.exists():
        return None
    _check_owner(path.parent)
    try:
        emulator = _read(path)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not is_loopback(emulator.endpoint_url):
        raise UserError(f"{path} names {emulator.endpoint_url}, which is not this machine: delete that file.")
    return emulator if _is_alive(emulator.pid) and _answers(emulator.endpoint_url) else None


def find_emulator(path: Path) -> RunningEmulator:
    """Return the running emulator. Raises UserError, which says how to start one, when there is none."""
    emulator = running_emulator(path)
    if emulator is not None:
        return emulator
    reason = "The emulator that ran here is gone." if path.exists() else "No emulator is running."
    raise UserError(f"{reason} {START_ONE}")


def _read(path: Path) -> RunningEmulator:
    data = json.loads(path.read_text(encoding="utf-8"))
    return RunningEmulator(str(data["endpoint_url"]), str(data["region"]), str(data["stack_name"]), int(data["pid"]))


def _check_owner(folder: Path) -> None:
    """Raise UserError for a folder that others can write to: they could lead the user's models to their endpoint."""
    status = folder.lstat()
    foreign = hasattr(os, "getuid") and status.st_uid != os.getuid()
    if foreign or not stat.S_ISDIR(status.st_mode) or (os.name == "posix" and status.st_mode & 0o022):
        raise UserError(f"{folder} belongs to somebody else or is open to others: set XDG_RUNTIME_DIR to one of yours.")


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # on Windows signal 0 would end the process; the caller also checks that the emulator answers
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(endpoint_url: str) -> bool:
    parts = urlsplit(endpoint_url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=PATIENCE):
            return True
    except OSError:
        return False
