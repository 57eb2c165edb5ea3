"""Follows the remedy of a message: runs the line of Python that it gives, as a person would."""

import contextlib
import re
from pathlib import Path
from typing import Any

import safetensors.torch
import torch


def follow(message: str, folder: Path, **names: Any) -> Path:
    """Run the line between backticks in a model's folder, and return the file that the message says to publish."""
    (line,) = [line for line in re.findall(r"`([^`]+)`", message) if "torch" in line]
    with contextlib.chdir(folder):
        exec(line, {"torch": torch, "safetensors": safetensors, **names})  # noqa: S102 (the line is what is tested)
    written = re.findall(r"weights\.(?:pt|safetensors)", line)
    return folder / written[-1]
