"""The number types of a manifest and of torch."""

from collections.abc import Mapping
from typing import get_args

import torch

from model_tools.formats.sections import Dtype

DTYPES: Mapping[Dtype, torch.dtype] = {name: getattr(torch, name) for name in get_args(Dtype)}
"""Torch's type for each name; a manifest uses torch's own names."""
DTYPE_NAMES: Mapping[torch.dtype, Dtype] = {dtype: name for name, dtype in DTYPES.items()}
"""The name of each of torch's types."""
