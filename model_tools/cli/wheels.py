"""The wheels of a custom model: they are downloaded on this machine, because the workflow downloads nothing."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from model_tools.cli.errors import UserError
from model_tools.cli.model_source import LocalModel
from model_tools.packaging.custom.requirements_file import parse_requirements
from model_tools.packaging.custom.wheels import WHEELS_FOLDER, download_command, unpack_wheels

DOWNLOAD_SECONDS = 600
"""Seconds that pip gets to download all wheels of a model."""
QUIET = ("--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2")
"""pip's options that keep it from asking and chatting."""


def missing_wheels(model: LocalModel) -> list[str]:
    """Return the pins, such as `six==1.17.0`, whose wheels are not in the model's folder.

    Raises ManifestInvalid for a requirements file that is not understood.
    """
    if model.requirements is None:
        return []
    pinned = parse_requirements(model.requirements.read_bytes(), where=model.requirements.name)
    there = {_pin(path.name) for path in _wheels_of(model)}
    return [pin for name, wanted in pinned.items() if (pin := f"{name}=={wanted.version}") not in there]


def with_wheels(model: LocalModel, folder: Path) -> LocalModel:
    """Return the model with the wheels that it lacks, which are downloaded into `folder`, an empty one.

    Raises UserError when pip cannot download them, ManifestInvalid or CheckpointRejected when the wheels as a whole are
    not what a model may bring.
    """
    if model.requirements is None:
        return model
    own = {path.name for path in _wheels_of(model)}
    _download(model.requirements, folder)
    added = [path for path in sorted(folder.glob("*.whl")) if path.name not in own]
    for path in _wheels_of(model):
        shutil.copyfile(path, folder / path.name)
    unpack_wheels(model.requirements.read_bytes(), folder, where=model.requirements.name)
    return replace(model, added=tuple((f"{WHEELS_FOLDER}/{path.name}", path) for path in added))


def _wheels_of(model: LocalModel) -> list[Path]:
    folder = model.root / WHEELS_FOLDER
    return [path for path in model.files if path.parent == folder and path.suffix == ".whl"]


def _pin(filename: str) -> str:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return ""  # the check of all wheels says what is wrong with it
    return f"{name}=={version}"


def _download(requirements: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", *download_command(str(folder), str(requirements)), *QUIET]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"pip has not downloaded {requirements.name} within {DOWNLOAD_SECONDS} s: put the wheels into "
            f"{WHEELS_FOLDER}/ yourself."
        ) from error
    if done.returncode:
        told = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("ERROR")]
        reason = told[-1].removeprefix("ERROR: ") if told else done.stderr.strip()[-300:]
        raise UserError(
            f"pip cannot download what {requirements.name} names ({reason}). Only pure-Python wheels can be part of a "
            f"model; put them into {WHEELS_FOLDER}/ yourself if they are elsewhere."
        )
