"""Code of small models with state in odd places, and how their refusal is read."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from model_tools.errors import PublishError
from tests.support.packaging.model_folders import write_model
from tests.support.packaging.packing import package_model

PLAIN_FORWARD = "return self.head(x)"


def net(init: str = "", forward: str = PLAIN_FORWARD, *, top: str = "", methods: str = "", base: str = "") -> str:
    """Return the code of a linear model with more in its constructor, its forward, its class or its module."""
    lines = ["import math, random, functools, itertools", "import numpy", "import torch", "from torch import nn"]
    lines += ["import torch.nn.functional as F", textwrap.dedent(top).strip(), "", "class Net(nn.Module):"]
    lines += [textwrap.indent(textwrap.dedent(base).strip(), "    ")] if base else []
    lines += ["    def __init__(self):", "        super().__init__()", "        self.head = nn.Linear(4, 4)"]
    lines += [textwrap.indent(textwrap.dedent(init).strip(), "        ")] if init else []
    lines += ["    def forward(self, x):", textwrap.indent(textwrap.dedent(forward).strip(), "        ")]
    lines += [textwrap.indent(textwrap.dedent(methods).strip(), "    ")] if methods else []
    return "\n".join(lines) + "\n"


def refused(error: type[PublishError], code: str, tmp_path: Path, **fields: Any) -> str:
    """Return the message with which packaging refuses the model that the code makes."""
    folder = write_model(tmp_path / "model", code, **fields)
    with pytest.raises(error) as caught:
        package_model(folder, tmp_path / "package")
    assert type(caught.value) is error
    return str(caught.value)
