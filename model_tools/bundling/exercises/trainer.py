"""Trains a net as a user's `train.py` does. It runs as a module with a scratch folder."""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def train(folder: Path) -> None:
    """Train for a few steps with the parts that trainers usually use, and save the net in several formats."""
    torch.manual_seed(0)
    numbers = torch.from_numpy(np.random.default_rng(0).standard_normal((32, 4), dtype=np.float32))
    dataset = TensorDataset(numbers, (numbers.sum(dim=1) > 0).long())
    training, rest = random_split(dataset, [24, 8])
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))
    for optimizer in (
        torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9),
        torch.optim.Adam(net.parameters()),
        torch.optim.AdamW(net.parameters()),
        torch.optim.RMSprop(net.parameters()),
    ):
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
        for features, labels in DataLoader(training, batch_size=8, shuffle=True, drop_last=True):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.cross_entropy(net(features).float(), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        scheduler.step()
    net.eval()
    with torch.inference_mode():
        for features, labels in DataLoader(rest, batch_size=8):
            net(features).softmax(dim=1).argmax(dim=1).eq(labels).float().mean().item()
    _save(net, folder)


def _save(net: nn.Module, folder: Path) -> None:
    torch.save(net.state_dict(), folder / "weights.pt")
    net.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    save_file(net.state_dict(), folder / "weights.safetensors")
    net.load_state_dict(load_file(folder / "weights.safetensors"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(net), folder / "model.pt")
        torch.jit.save(torch.jit.trace(net, torch.ones(2, 4)), folder / "model.pt")  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    train(Path(sys.argv[1]))
