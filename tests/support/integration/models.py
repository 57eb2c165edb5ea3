"""Small models to publish: folders that a user could have written."""

import json
from pathlib import Path

import torch
import yaml

RUNNING_SUM = '''
import torch


class Scale(torch.nn.Module):
    """[N, 4] numbers and a table of 8 rows → [N, 2]."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
        self.table = torch.nn.Embedding(8, 2)
        self.factor = factor

    def forward(self, numbers: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return self.linear(numbers) * self.factor + self.table(rows)
'''


def write_tensor_model(folder: Path, *, seed: int = 0, **changes: object) -> Path:
    """Write a two-input tensor model. A row beyond 7 makes it fail: no range in its manifest stops the request."""
    folder.mkdir(parents=True)
    (folder / "scale.py").write_text(RUNNING_SUM)
    torch.manual_seed(seed)
    namespace: dict[str, type[torch.nn.Module]] = {}
    exec(RUNNING_SUM, namespace)  # noqa: S102 (our own text)
    torch.save(namespace["Scale"]().state_dict(), folder / "weights.pt")
    manifest = {
        "name": "scale",
        "task": "tensor",
        "checkpoint": "weights.pt",
        "architecture": "scale:Scale",
        "inputs": [{"shape": ["batch", 4]}, {"shape": ["batch"], "dtype": "int64"}],
        **changes,
    }
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest))
    return folder


def edit_manifest(folder: Path, **changes: object) -> Path:
    path = folder / "publish.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))
    return folder


def sample_event(folder: Path, name: str) -> dict[str, object]:
    return json.loads((folder / "samples" / f"{name}.json").read_text())["event"]
