"""Compiled models for tests: sound ones of many kinds, and files whose code was replaced by hand."""

import enum
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class Identity(nn.Module):
    """Answers its input; its code is what `script_with_body` replaces."""

    def forward(self, x: torch.Tensor):
        return x


class Restored(nn.Module):
    """Runs code when it is loaded, as modules with `__setstate__` do."""

    def __init__(self):
        super().__init__()
        self.count = 3

    @torch.jit.export
    def __getstate__(self):
        return self.count, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]):
        self.count = state[0]
        self.training = state[1]

    def forward(self, x: torch.Tensor):
        return x + self.count


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None) -> Path:
    """Change the members of a zip, by the name below its top folder; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: archive.read(member) for member in archive.infolist()}
    top = next(iter(members)).partition("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in members.items():
            changed = change(name.partition("/")[2], contents)
            if changed is not None:
                archive.writestr(name, changed)
        for name, contents in (extra or {}).items():
            archive.writestr(f"{top}/{name}", contents)
    return path


def script_with_body(path: Path, *lines: str) -> Path:
    """Save a scripted module whose forward has these lines instead of its own."""
    torch.jit.save(torch.jit.script(Identity()), path)
    return replace_in_code(path, "    return x\n", "".join(f"    {line}\n" for line in lines))


def script_that_restores(path: Path, *lines: str) -> Path:
    """Save a scripted module that runs these lines when it is loaded."""
    torch.jit.save(torch.jit.script(Restored()), path)
    wanted = "state: Tuple[int, bool]) -> NoneType:\n"
    return replace_in_code(path, wanted, wanted + "".join(f"    {line}\n" for line in lines))


def replace_in_code(path: Path, old: str, new: str) -> Path:
    """Replace a piece of a TorchScript file's code."""
    replaced = 0

    def change(name: str, contents: bytes) -> bytes | None:
        nonlocal replaced
        if name.endswith(".debug_pkl"):
            return None
        if name.endswith(".py") and old.encode() in contents:
            replaced += 1
            return contents.replace(old.encode(), new.encode())
        return contents

    rewrite(path, change)
    assert replaced == 1
    return path


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Answer(NamedTuple):
    logits: torch.Tensor
    hidden: torch.Tensor | None


@torch.jit.script
class Counter:
    def __init__(self, start: int):
        self.value = start

    def add(self, step: int) -> int:
        self.value += step
        return self.value


class Everything(nn.Module):
    """Uses much of what TorchScript knows: lists, dicts, texts, loops, classes, threads, errors, warnings."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.ReLU()])
        self.named = nn.ModuleDict({"a": nn.Linear(3, 3)})
        self.backward_layer = nn.Linear(3, 3)
        self.backward = nn.Linear(3, 3)
        self.ops = nn.Linear(3, 3)
        self.colour = Colour.RED
        self.register_buffer("positions", torch.arange(5.0))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None):
        y = x
        for layer in self.layers:
            y = layer(y)
        for layer in self.named.values():
            y = layer(y)
        y = self.ops(self.backward_layer(self.backward(y)))
        y = torch.where(mask, y, torch.tensor(float("-inf"))) if mask is not None else y
        assert x.dim() == 2, f"{x.dim()} axes"
        words = ",".join(f"a-{x.dim()}".split("-")).upper().replace("A", "é\n\"'")
        number = len(words) + ord("a") + int("3") + 3 // 2 + abs(-3) + divmod(7, 2)[0]
        table: dict[str, list[int]] = {}
        table["a"] = [index * 2 for index in range(3)]
        if "a" in table:
            table["a"].append(4)
        for index, (one, two) in enumerate(zip([1, 2], [3, 4])):  # noqa: B905 (TorchScript knows no strict)
            number += one * two + index
        while number > 100:
            number = number // 2
        counter = Counter(2)
        counter.add(number)
        future = torch.jit.fork(self.backward_layer, x)
        products = torch.einsum("ij,kj->ik", y, torch.jit.wait(future))
        if self.colour == Colour.RED:
            products = products + 1
        with torch.no_grad():
            shares = torch.cat([products.view(-1, 1), products.reshape(-1, 1)], 1).softmax(-1).to(x.dtype)
        values, _ = torch.topk(shares, 1)
        shares[torch.nonzero(shares > 2)[:, 0]] = 0.0
        shares[..., 0] = 1
        attended = functional.scaled_dot_product_attention(x[None], x[None], x[None], dropout_p=0.0)
        resized = functional.interpolate(torch.ones(1, 1, 4, 4), size=[2, 2], mode="bicubic")
        spectrum = torch.fft.rfft(torch.complex(shares, shares).abs()).real
        if number < -1:
            raise ValueError(f"no {number}")
        warnings.warn(f"{number} {words} {x.device}", stacklevel=2)
        noise = torch.rand(3) + functional.dropout(x.sum(), 0.5, training=False)
        return Answer(values * self.positions.sum(), None), attended, resized, spectrum, noise.sum().item()


class Functional(nn.Module):
    """Normalises by its input's own statistics, and drops nothing: both are sound in eval mode."""

    def forward(self, x: torch.Tensor):
        x = functional.instance_norm(x)
        return functional.dropout(functional.batch_norm(x, None, None, training=True), 0.5, training=False)


class Recurrent(nn.Module):
    """Answers the states of recurrent layers."""

    def __init__(self, layers: int = 2, dropout: float = 0.3):
        super().__init__()
        self.layers = nn.LSTM(4, 3, layers, dropout=dropout)

    def forward(self, x: torch.Tensor):
        return self.layers(x)[0]


IMAGES = nn.Sequential(
    nn.Conv2d(3, 4, 3, padding="same"), nn.BatchNorm2d(4), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Dropout(0.5), nn.Linear(4, 2),
)  # fmt: skip


class Quantised(nn.Module):
    def __init__(self):
        super().__init__()
        self.before = torch.ao.quantization.QuantStub()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
        self.after = torch.ao.quantization.DeQuantStub()

    def forward(self, x: torch.Tensor):
        return self.after(self.layers(self.before(x)))


def statically_quantised() -> nn.Module:
    """Return a network of int8 layers with packed weights."""
    model = Quantised().eval()
    model.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
    prepared = torch.ao.quantization.prepare(model)
    prepared(torch.randn(2, 3, 8, 8))
    return torch.ao.quantization.convert(prepared)
