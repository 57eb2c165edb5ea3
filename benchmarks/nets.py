"""The models that are measured: their weights are random, from a fixed seed, and as large as trained ones.

Each is traced and saved as TorchScript. `MODELS` names them all.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

SEED = 20_240_229
IMAGE = (1, 3, 224, 224)
TOKENS = (1, 32)
VOCABULARY = 16_000
HALVINGS = 5
"""224 → 7 pixels."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + self.shortcut(x))


class ResNet18(nn.Module):
    """[N, 3, 224, 224] → [N, classes], as in He et al. 2015, figure 3 and table 1."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
        )
        widths = (64, 64, 128, 256, 512)
        self.stages = nn.Sequential(
            *(
                nn.Sequential(BasicBlock(before, width, 1 if width == before else 2), BasicBlock(width, width, 1))
                for before, width in pairwise(widths)
            )
        )
        self.head = nn.Linear(512, classes)

    def features(self, images: Tensor) -> Tensor:
        return self.stages(self.stem(images)).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


class LargeConvNet(nn.Module):
    """[N, 3, 224, 224] → [N, 3000]: plain 3 x 3 convolutions with 31.5 million weights, 126 MB."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 64, 128, 256, 512, *[512] * 12)
        layers: list[nn.Module] = []
        for number, (before, width) in enumerate(pairwise(widths)):
            stride = 2 if number < HALVINGS else 1
            layers += [nn.Conv2d(before, width, 3, stride, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(512, 3000)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.layers(images).mean((2, 3)))


class Transformer(nn.Module):
    """Token ids [N, length] → [N, length, vocabulary]: six layers of width 512, as in Vaswani et al. 2017."""

    def __init__(self, width: int = 512, layers: int = 6) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, VOCABULARY)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.layers(self.embedding(tokens)))


class SmallNet(nn.Module):
    """[N, 64] → [N, 10]: so little work that the time of a request is the server's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, numbers: Tensor) -> Tensor:
        return self.layers(numbers)


def build(net: Callable[[], nn.Module]) -> nn.Module:
    """Return the net with the weights that the seed gives, ready for inference."""
    torch.manual_seed(SEED)
    return net().eval()


def save(model: nn.Module, example: Tensor, path: Path) -> Path:
    """Trace a model, save it as TorchScript and return where."""
    with torch.inference_mode(mode=False), torch.no_grad():
        torch.jit.save(torch.jit.trace(model, example, check_trace=False), str(path))
    return path


def save_named(name: str, folder: Path) -> Path:
    """Build one of `MODELS` and save it in a folder."""
    net, example = MODELS[name]
    return save(build(net), example, folder / f"{name}.pt")


MODELS: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "ResNet-18": (ResNet18, torch.zeros(IMAGE)),
    "126 MB conv net": (LargeConvNet, torch.zeros(IMAGE)),
    "transformer": (Transformer, torch.zeros(TOKENS, dtype=torch.int64)),
    "small net": (SmallNet, torch.zeros(1, 64)),
}
