"""The architectures of the exercises' models; each model's folder gets a copy as `net.py`."""

import torch
from torch import nn


class Convolutional(nn.Module):
    """Classifies images: [N, 3, 8, 8] → [N, 3]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Dropout(0.1), nn.Linear(4, 3),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.layers(images)  # type: ignore[no-any-return]


class Detector(nn.Module):
    """Detects objects: [N, 3, 8, 8] → boxes [N, 16, 4], labels [N, 16] and scores [N, 16]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Conv2d(3, 7, 2, stride=2)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return a candidate for each place."""
        found = self.layers(images).flatten(2).transpose(1, 2)
        scores, labels = found[..., 4:].softmax(-1).max(-1)
        return {"boxes": found[..., :4], "labels": labels, "scores": scores}


class Linear(nn.Module):
    """Maps rows of numbers: [N, 4] → [N, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        """Return four numbers for each row."""
        return self.layers(table)  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """Reads sequences: [N, 3, 4] → [N, 2]."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.LSTM(4, 8, batch_first=True)
        self.answer = nn.Linear(8, 2)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        """Return two numbers for each sequence."""
        return self.answer(self.steps(sequence)[0][:, -1])  # type: ignore[no-any-return]


class Translator(nn.Module):
    """Writes text: token ids [N, source] and [N, target] → logits [N, target, 7]."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.layers = nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, batch_first=True)
        self.answer = nn.Linear(8, 7)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the logits of each next token."""
        size = target.shape[1]
        mask = torch.triu(torch.full((size, size), float("-inf")), diagonal=1)
        return self.answer(self.layers(self.embed(source), self.embed(target), tgt_mask=mask))  # type: ignore[no-any-return]
