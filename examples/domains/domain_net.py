"""A recurrent net over a name's letters, with a layer of its own that weighs them."""

import torch
from torch import nn


class WeighedSum(nn.Module):
    """[N, letters, width] states and [N, letters] 0 or 1 → [N, width]: each letter as important as it is learnt to be.

    A layer that torch does not have: it is traced with the rest of the model.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.importance = nn.Parameter(torch.zeros(width))

    def forward(self, states: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        logits = states @ self.importance + (1 - there) * -1e9
        return (logits.softmax(1).unsqueeze(2) * states).sum(1)


class DomainNet(nn.Module):
    """[N, letters] int64 ids, 0 is no letter → [N] logits of a name made by a program."""

    def __init__(self, letters: int = 39, width: int = 64) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters, 24)
        self.read = nn.LSTM(24, width, batch_first=True)
        self.weigh = WeighedSum(width)
        self.judge = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, names: torch.Tensor) -> torch.Tensor:
        states, _ = self.read(self.letters(names))
        return self.judge(self.weigh(states, (names > 0).float())).squeeze(1)
