"""Random models from a small grammar: what is published must answer as the eager model, whatever it is asked.

`python -m tests.support.packaging.random_models --seconds 3600` tries new seeds for an hour, and prints those of models
that were published and answer otherwise, or that are sound and were refused.
"""

import argparse
import importlib.util
import itertools
import json
import random
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from model_tools.errors import PublishError
from model_tools.tensors.dtypes import DTYPES
from tests.support.packaging.packing import package_model

WIDTH = 8
"""The number of features, which every statement of the grammar keeps."""
ASKED = 16
"""The number of inputs that a published model is asked."""
CLOSE = {"float32": 2e-3, "float64": 1e-6, "float16": 6e-2, "bfloat16": 2e-1}
"""The difference that is no other answer, relative to the answer's largest number, by dtype."""

SOUND = [
    ("self.{name} = nn.Linear(8, 8)", "h = self.{name}(h)"),
    ("self.{name} = nn.LayerNorm(8)", "h = self.{name}(h)"),
    ("self.{name} = nn.Conv1d(8, 8, 3, padding=1)", "h = self.{name}(h.transpose(1, 2)).transpose(1, 2)"),
    ("self.{name} = nn.Conv1d(8, 8, 3, stride=2, padding=1)", "h = self.{name}(h.transpose(1, 2)).transpose(1, 2)"),
    ("self.{name} = nn.GRU(8, 8, batch_first=True)", "h = self.{name}(h)[0]"),
    ("self.{name} = nn.LSTM(8, 8, batch_first=True)", "h = self.{name}(h)[0]"),
    ("self.{name} = nn.MultiheadAttention(8, 2, batch_first=True)", "h = h + self.{name}(h, h, h)[0]"),
    ("self.{name} = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)", "h = self.{name}(h)"),
    ("self.{name} = nn.BatchNorm1d(8)", "h = self.{name}(h.transpose(1, 2)).transpose(1, 2)"),
    ("self.register_buffer('{name}', torch.linspace(-1, 1, 4096)[:, None])", "h = h + self.{name}[: h.shape[1]]"),
    ("", "h = torch.relu(h)"),
    ("", "h = F.gelu(h)"),
    ("", "h = torch.tanh(h)"),
    ("", "h = h - h.mean(1, keepdim=True)"),
    ("", "h = h.cumsum(1) / torch.arange(1, h.shape[1] + 1).view(1, -1, 1)"),
    ("", "h = torch.where(h > 0, h, 0.1 * h)"),
    ("", "h = torch.cat([h, h.flip(1)], 1)"),
    ("", "h = h[:, : (h.shape[1] + 1) // 2]"),
    ("", "h = F.pad(h, (0, 0, 1, 1))"),
    ("", "h = h.reshape(h.shape[0], -1, 8)"),
    ("", "h = h.max(1, keepdim=True).values + h"),
]
"""Statements that a trace holds, each with what it needs in the constructor."""
DECIDING = [
    ("", "if h.shape[1] > {small}: h = h * 2"),
    ("", "if h.shape[1] > {large}: h = -h"),
    ("", "if h.shape[1] == {large}: h = -h"),
    ("", "if h.shape[1] % {few} == 1: h = h + 1"),
    ("", "if h.shape[0] == 1: h = -h"),
    ("", "if h.shape[0] * h.shape[1] > {large}: h = h - 1"),
    ("", "h = h / math.sqrt(h.shape[1])"),
    ("", "h = h * h.shape[1] ** -0.5"),  # computed in float32 while tracing, which is too coarse for float64
    ("", "h = h * len(h)"),
    ("", "h = h.roll(h.shape[1] // 2, 1)"),
    ("", "h = F.pad(h, (0, 0, 0, -h.shape[1] % {few}))"),
    ("", "h = h + int(h.shape[1] > {small})"),
    ("", "for _ in range(h.shape[1] // {few}): h = torch.tanh(h)"),
    ("", "h = sum(h[:, i : i + 1] for i in range(min(h.shape[1], {few}))) + h"),
    ("", "h = h * torch.tensor([h.shape[1], 1]).sum()"),
    ("", "if h.sum() > {few}: h = -h"),
    ("", "h = h.roll(int(h[0, 0].argmax()), 2)"),
    ("", "h = h * float((h > 0).sum() % 2 + 1)"),
    ("", "f = h[:, h[0, :, 0] > 2]; h = f if f.shape[1] else -h"),
    ("", "h = h + sum(r for r in h[0][h[0, :, 0] > 2.5])"),
    ("", "h = h * (2 if h.round().unique().numel() > {small} else 1)"),
    ("", "h = -h if torch.equal(h, h.abs()) else h"),
    ("", "h = h + torch.tensor(h[0, 0].tolist()).max()"),
    ("self.{name} = 0", "self.{name} += 1; h = h + self.{name} * 0.1"),
    (
        "self.{name} = None",
        "self.{name} = h.mean().detach() if self.{name} is None else self.{name}; h = h - self.{name}",
    ),
    ("self.{name} = torch.randn(8)", "h = h + self.{name}"),
    ("self.{name} = [nn.Linear(8, 8)]", "h = self.{name}[0](h)"),
    ("self.register_buffer('{name}', torch.zeros(8))", "self.{name} += h.mean((0, 1)); h = h + self.{name}"),
    ("self.register_buffer('{name}', torch.zeros(1))", "self.{name}[0] = h.max(); h = h / (1 + self.{name}.abs())"),
    ("", "h = F.dropout(h, 0.2)"),
    ("", "h = h + 0.1 * torch.randn_like(h)"),
    ("", "h = h - h.mean(0, keepdim=True)"),
    (
        "self.{name} = nn.BatchNorm1d(8, track_running_stats=False)",
        "h = self.{name}(h.transpose(1, 2)).transpose(1, 2)",
    ),
]
"""Statements of which a trace may hold one way alone, or that keep state, draw numbers, or mix rows."""
OF_TOKENS = [
    ("", "h = h * (ids != 0)[..., None]"),
    ("", "h = h.masked_fill((ids == 0)[..., None], -1e4).amax(1, keepdim=True) + h"),
    ("", "h = h / (ids != 0).sum(1).clamp(min=1)[:, None, None].to(h.dtype).sqrt()"),
    ("", "h = h + h[torch.arange(h.shape[0]), (ids != 0).sum(1).clamp(min=1) - 1][:, None]"),
    ("", "h = h + F.one_hot(ids % 8, 8)"),
    ("", "h = h + h.gather(1, (ids % h.shape[1])[..., None].expand(-1, -1, 8))"),
    ("self.{name} = nn.Embedding(20, 8, padding_idx=0)", "h = h + self.{name}(ids.flip(1))"),
]
"""Sound statements of models that take token ids; they stand first, while `h` has a row for each token."""
DECIDING_OF_TOKENS = [
    ("", "h = -h if (ids == 0).any() else h"),
    ("", "h = h[:, : int((ids != 0).sum(1).max())]"),
    ("", "h = h * (1 if ids[0, 0] < {few} else 2)"),
    ("", "h = h + sum(h[:, :1] for i in ids[0].tolist() if i > {small})"),
    ("", "h = h * len(ids.unique())"),
    ("", "f = h[:, (ids[0] == {few})]; h = h if f.shape[1] == 0 else -h"),
    ("self.{name} = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)",
     "h = self.{name}(h, src_key_padding_mask=(ids == 0) & (ids.flip(1) != 0))"),
]  # fmt: skip
"""Statements of models that take token ids, of which a trace may hold one way alone."""
TOKENS = 20
"""The number of token ids."""
ENDS = ["return self.head(h.mean(1))", "return h", "return self.head(h).amax(1)", "return h.mean(1), h.amax(1)"]

MODEL = """\
import math
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 3)
        self.embed = nn.Embedding(20, 8)
        {made}
        self.to(torch.{dtype})

    def forward(self, {taken}):
        {body}
"""


@dataclass(frozen=True)
class RandomModel:
    """A model of the grammar."""

    source: str
    dtype: str
    least: int
    most: int
    sound: bool
    """The model is made of statements that a trace holds."""
    takes_tokens: bool
    """The input is token ids [batch, time], and not numbers [batch, time, WIDTH]."""
    ranged: bool
    """The manifest has the range of the token ids."""


@dataclass(frozen=True)
class Tried:
    """What became of a random model."""

    model: RandomModel
    refused: PublishError | None
    """The error that it was refused with; None if it was published."""
    other: str
    """The first answer that is not the eager model's; empty if there is none."""


def random_model(seed: int) -> RandomModel:
    """Return the model of a seed."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    takes_tokens, deciding = draw.random() < 0.4, draw.random() < 0.75
    statements = draw.choices(SOUND, k=draw.randint(1, 4))
    if deciding and not takes_tokens:
        statements.insert(draw.randint(0, len(statements)), draw.choice(DECIDING))
    if takes_tokens:
        statements[:0] = draw.choices(OF_TOKENS, k=draw.randint(0, 2))
        if deciding:
            statements.insert(0, draw.choice(DECIDING_OF_TOKENS))
    made, body = [], ["h = self.embed(ids)"] if takes_tokens else []
    for number, (make, statement) in enumerate(statements):
        numbers = {"few": draw.randint(2, 8), "small": draw.randint(2, 12), "large": draw.randint(13, 300)}
        made += [make.format(name=f"part{number}")] if make else []
        body.append(statement.format(name=f"part{number}", **numbers))
    dtype = draw.choices(list(CLOSE), [6, 1, 1, 1])[0]
    source = MODEL.format(
        made="\n        ".join(made) or "pass",
        dtype=dtype,
        taken="ids" if takes_tokens else "h",
        body="\n        ".join([*body, draw.choice(ENDS)]),
    )
    least = draw.randint(1, 4)
    most = least + draw.choice([0, 5, 20, 60, 400])
    return RandomModel(source, dtype, least, most, not deciding, takes_tokens, ranged=draw.random() < 0.5)


def try_model(seed: int, folder: Path) -> Tried:
    """Publish the model of a seed, as far as its archive, and ask the traced model as well as the eager one."""
    model = random_model(seed)
    torch.manual_seed(seed)
    eager = write_model(model, folder / "model")
    try:
        package = package_model(folder / "model", folder / "package")
    except PublishError as error:
        return Tried(model, error, "")
    with tarfile.open(package.archive) as archive:
        archive.extractall(folder / "archive", filter="data")
    traced = torch.jit.load(folder / "archive" / "model.pt")
    apart = json.loads((folder / "archive" / "manifest.json").read_text())["rows_apart"]
    with torch.inference_mode():
        return Tried(model, None, next(_other_answers(model, eager, traced, apart=apart, seed=seed), ""))


def write_model(model: RandomModel, folder: Path) -> torch.nn.Module:
    """Write the model's folder with trained weights, which are drawn, and return the model in memory."""
    folder.mkdir(parents=True)
    (folder / "net.py").write_text(model.source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("random_net", folder / "net.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net: torch.nn.Module = module.Net().eval()
    torch.save(net.state_dict(), folder / "model.pt")
    manifest = {
        "name": "random", "task": "tensor", "checkpoint": "model.pt", "architecture": "net:Net",
        "inputs": [_input(model)],
        "axes": {"time": {"min": model.least, "max": model.most}},
    }  # fmt: skip
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return net


def _input(model: RandomModel) -> dict[str, Any]:
    if not model.takes_tokens:
        return {"shape": ["batch", "time", WIDTH], "dtype": model.dtype}
    ranged = {"range": [0, TOKENS - 1]} if model.ranged else {}
    return {"shape": ["batch", "time"], "dtype": "int64", **ranged}


def _draw(model: RandomModel, shape: tuple[int, int], scale: float) -> torch.Tensor:
    if not model.takes_tokens:
        return (torch.randn(*shape, WIDTH) * scale).to(DTYPES[model.dtype])
    ids = torch.randint(0 if scale == 1 else 1, TOKENS, shape)
    # Texts are padded at their ends, by chance.
    return torch.where(torch.arange(shape[1]) <= torch.randint(shape[1], (shape[0], 1)), ids, 0) if scale < 1 else ids


def _other_answers(model: RandomModel, eager: Any, traced: Any, *, apart: bool, seed: int) -> Iterator[str]:
    draw = random.Random(-seed - 1)  # noqa: S311 (no secret)
    for scale in itertools.islice(itertools.cycle([1.0, 1.0, 3.0, 0.1]), ASKED):
        batch, length = draw.randint(1, 4), draw.randint(model.least, model.most)
        x = _draw(model, (batch, length), scale)
        wanted, found = _tensors(eager(x)), _tensors(traced(x))
        for one, other in zip(found, wanted, strict=True):
            if not _is_close(one, other, model.dtype):
                yield f"{tuple(x.shape)}, scale {scale}: {_apart(one, other)}"
        # In half precision, sums over other numbers of rows may be rounded far apart, in the eager model as well.
        if not apart and model.dtype in ("float32", "float64"):
            for row in range(batch):
                for one, other in zip(_tensors(traced(x[row : row + 1])), wanted, strict=True):
                    if not _is_close(one, other[row : row + 1], model.dtype):
                        yield f"row {row} of {tuple(x.shape)} alone: {_apart(one, other[row : row + 1])}"


def _tensors(answer: Any) -> tuple[torch.Tensor, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _is_close(one: torch.Tensor, other: torch.Tensor, dtype: str) -> bool:
    if one.shape != other.shape:
        return False
    scale = float(other.double().abs().nan_to_num().max()) if other.numel() else 0.0
    return torch.allclose(one.double(), other.double(), rtol=0, atol=CLOSE[dtype] * max(scale, 1e-3), equal_nan=True)


def _apart(one: torch.Tensor, other: torch.Tensor) -> str:
    if one.shape != other.shape:
        return f"shape {tuple(one.shape)} for {tuple(other.shape)}"
    return f"{float((one.double() - other.double()).abs().max()):.3g} apart"


def main() -> int:
    """Try new seeds for some time, and print those that show a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    counted: Counter[str] = Counter()
    faults = 0
    end = time.monotonic() + arguments.seconds
    for seed in itertools.count(arguments.seed):
        if time.monotonic() > end:
            break
        with tempfile.TemporaryDirectory() as folder:
            tried = try_model(seed, Path(folder))
        counted["published" if tried.refused is None else type(tried.refused).__name__] += 1
        if tried.other or (tried.refused and tried.model.sound):
            faults += 1
            print(f"seed {seed}: {tried.other or tried.refused}\n{tried.model.source}", flush=True)  # noqa: T201
    print(f"seeds {arguments.seed} to {seed - 1}: {dict(counted)}, {faults} with a fault")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
