"""Finds the lines of the user's code that something comes from."""

import contextlib
import functools
import warnings
from pathlib import Path
from types import FrameType

import numpy as np
import torch

_MACHINERY = (
    *(str(Path(file).parent) for file in (torch.__file__, __file__, np.__file__)),
    *(str(module.__file__) for module in (warnings, contextlib, functools)),
)
"""The folders and files whose frames on the stack are not the user's code."""

Place = tuple[str, int]
"""A file's name and a line."""


def callers_place(frame: FrameType) -> Place:
    """Return the first place from a frame outwards that is in no library's machinery."""
    outer = frame
    while outer.f_back is not None and in_machinery(outer.f_code.co_filename):
        outer = outer.f_back
    return outer.f_code.co_filename, outer.f_lineno


def in_machinery(filename: str) -> bool:
    """Tell whether a file belongs to torch, to NumPy or to this package, and not to the user's code."""
    return filename.startswith(_MACHINERY)
