"""Small model folders, written as a user would write them."""

import json
import runpy
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

CLASSIFIER = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, channels=4):
            super().__init__()
            self.conv = nn.Conv2d(1, channels, 3, padding=1)
            self.norm = nn.BatchNorm2d(channels)
            self.head = nn.Linear(channels * 64, 3)

        def forward(self, x):
            x = self.norm(self.conv(x)).relu()
            return self.head(x.flatten(1))
"""
CLASSIFIER_FIELDS: dict[str, Any] = {
    "name": "shapes",
    "task": "image-classification",
    "inputs": [{"shape": ["batch", 1, 8, 8]}],
    "classes": "classes.txt",
    "preprocess": {"size": [8, 8], "mode": "L"},
}
LINEAR = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            return self.layer(x)
"""
LINEAR_FIELDS: dict[str, Any] = {"name": "line", "task": "tensor", "inputs": [{"shape": ["batch", 4]}]}


def build(code: str, **arguments: object) -> torch.nn.Module:
    """Return the `Net` of a piece of code, with weights that are always the same, in eval mode."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.py")  # torch.jit.script wants to read its source
        path.write_text(textwrap.dedent(code))
        names = runpy.run_path(str(path))
        torch.manual_seed(7)
        return names["Net"](**arguments).eval()


def write_folder(folder: Path, fields: Mapping[str, Any], files: Mapping[str, str | bytes] | None = None) -> Path:
    """Write a publish.yaml, and files, into a new folder."""
    folder.mkdir(parents=True)
    fields = {name: value for name, value in fields.items() if value is not None}
    (folder / "publish.yaml").write_text(yaml.safe_dump(fields, sort_keys=False))
    for name, contents in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return folder


def write_model(
    folder: Path, code: str = LINEAR, *, base: Mapping[str, Any] = LINEAR_FIELDS, weights: Any = None,
    files: Mapping[str, str | bytes] | None = None, **fields: Any,
) -> Path:  # fmt: skip
    """Write a folder with `net.py` and the state dict of its `Net` (or other weights)."""
    defaults = {"checkpoint": "weights.pt", "architecture": "net:Net"}
    code_file = {"net.py": textwrap.dedent(code).lstrip()}
    write_folder(folder, {**base, **defaults, **fields}, {**code_file, **(files or {})})
    torch.save(build(code).state_dict() if weights is None else weights, folder / "weights.pt")
    return folder


def write_classifier(folder: Path, *, more: Mapping[str, str | bytes] | None = None, **fields: Any) -> Path:
    """Write a small convolutional classifier of three classes."""
    return write_model(
        folder,
        CLASSIFIER,
        base=CLASSIFIER_FIELDS,
        files={"classes.txt": "disc\nring\ncross\n", **(more or {})},
        **fields,
    )


def sample(event: Mapping[str, Any], **expect: Any) -> str:
    """Return a sample file's text."""
    return json.dumps({"event": event, "expect": expect})
