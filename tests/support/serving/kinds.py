"""Small models of every kind of task, as packaging would archive them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from model_tools.serving.archive_reader import read_archive
from model_tools.serving.served_model import ServedModel, load_served_model
from model_tools.tasks.loading import load_task
from tests.support.serving.archives import TENSOR, Stored, tar_gz

VOCABULARY = ("<pad>", "<bos>", "<eos>", "<unk>", "one", "two", "three")
PAD, BOS, EOS, UNK = range(4)
TEXT = {"source_vocabulary": "s.txt", "target_vocabulary": "t.txt", "max_source_tokens": 6, "max_target_tokens": 8}
TEXT_TO_TEXT = TENSOR | {
    "task": "text-to-text",
    "inputs": [{"shape": ["batch", name], "dtype": "int64", "range": [0, 6]} for name in ("source", "target")],
    "axes": {"batch": {"max": 4}, "source": {"max": 16}, "target": {"max": 16}},
    "text": TEXT,
}
EMBEDDING = TENSOR | {"task": "embedding", "settings": {"normalize": True}}
CUSTOM = TENSOR | {"task": "custom", "settings": {"predictor": "predictor.py"}}
TABULAR = TENSOR | {"task": "tabular"}


class Repeat(torch.nn.Module):
    """source [N, S], target [N, T] → logits [N, T, 7] of the source's tokens in order, then the end."""

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        room = torch.zeros_like(target)
        following = torch.cat([source, room], 1)[:, : target.shape[1]]
        following = torch.where(following == 0, torch.full_like(following, 2), following)
        return torch.nn.functional.one_hot(following, 7).float() * 20


class Sum(torch.nn.Module):
    """[N, T] ids → [N, 2]: how many there are, and their sum."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.stack([(ids != 0).sum(1), ids.sum(1)], 1).float()


class Counted(torch.nn.Module):
    """[N, 4] → [N, 5]: the numbers, and how many rows there were with them."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        rows = torch.full((numbers.shape[0], 1), float(numbers.shape[0]))
        return torch.cat([numbers, rows], 1)


def scripted(model: torch.nn.Module, path: Path) -> bytes:
    torch.jit.save(torch.jit.script(model.eval()), path)
    return path.read_bytes()


def served(
    folder: Path,
    manifest: dict[str, Any],
    model: torch.nn.Module | bytes,
    files: dict[str, bytes] | None = None,
    fetch: Callable[[str], bytes] = lambda _url: b"",
) -> ServedModel:
    """Return a model behind its task, by way of an archive."""
    data = scripted(model, folder / "made.pt") if isinstance(model, torch.nn.Module) else model
    name = "model.ubj" if manifest.get("format") == "xgboost" else "model.pt"
    stored = Stored(tar_gz({"manifest.json": json.dumps(manifest).encode(), **(files or {}), name: data}))
    home = folder / "home"
    home.mkdir()
    return load_served_model(read_archive(stored.reference, stored.open, home), fetch, load_task)


def vocabularies() -> dict[str, bytes]:
    lines = "".join(f"{token}\n" for token in VOCABULARY).encode()
    return {"source_vocabulary.txt": lines, "target_vocabulary.txt": lines}
