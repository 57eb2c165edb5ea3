"""Train a net that tells a machine part's frequency and damping by how it rings, and write a publishable folder.

python examples/vibration/train.py                               # makes this folder's checkpoint again
python examples/vibration/train.py --output build/vibration      # leaves this folder as it is
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from vibration_net import VibrationNet

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "vibration_net.py")
RATE = 100
"""Readings a second."""
SHORTEST, LONGEST = 64, 256
"""Readings, as publish.yaml has them."""
NOISE = 0.05
UNIT = torch.tensor([10.0, 5.0])
SAMPLES = {"slow": (4.0, 3.0, 256), "fast": (18.0, 6.0, 128), "hardly-damped": (9.0, 1.5, 200)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--steps", type=int, default=1500, help="batches of 128 recordings (default 1500)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the recordings (default 0)")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    model = train(options.steps)
    truth = draw_truth(2000)
    with torch.inference_mode():
        off = (model(ring(truth, 192)) - truth).abs().mean(0)
    print(f"mean error on 2,000 new recordings: {off[0]:.2f} Hz, {off[1]:.2f} % damping")
    write_folder(options.output, model)
    print(f"wrote {options.output}: model-tools publish {options.output}")


def draw_truth(count: int) -> torch.Tensor:
    """Return frequencies of 2 to 20 Hz and dampings of 1 to 10 per cent, [count, 2]."""
    return torch.rand(count, 2) * torch.tensor([18.0, 9.0]) + torch.tensor([2.0, 1.0])


def ring(truth: torch.Tensor, readings: int) -> torch.Tensor:
    """Return what a sensor reads, [N, 1, readings], of parts that were struck just before."""
    frequency, damping = truth[:, :1] * 2 * torch.pi, truth[:, 1:] / 100
    time = torch.arange(readings) / RATE
    phase, loudness = torch.rand(len(truth), 1) * 2 * torch.pi, 0.2 + 5 * torch.rand(len(truth), 1)
    clean = torch.exp(-damping * frequency * time) * torch.cos(frequency * (1 - damping**2).sqrt() * time + phase)
    return (loudness * (clean + NOISE * torch.randn(len(truth), readings))).unsqueeze(1)


def train(steps: int) -> VibrationNet:
    model = VibrationNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    for _ in range(steps):
        truth = draw_truth(128)
        readings = int(torch.randint(SHORTEST, LONGEST + 1, ()))
        loss = ((model(ring(truth, readings)) - truth) / UNIT).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def write_folder(folder: Path, model: VibrationNet) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    save_file(model.state_dict(), folder / "checkpoint.safetensors")
    for name, (frequency, damping, readings) in SAMPLES.items():
        recording = ring(torch.tensor([[frequency, damping]]), readings)
        rounded = [round(reading, 4) for reading in recording.flatten().tolist()]
        sample = {
            "event": {"input": [[rounded]]},
            "expect": {"output": [[frequency, damping]], "tolerance": 1.0},
        }
        (folder / "samples" / f"{name}.json").write_text(json.dumps(sample) + "\n")


if __name__ == "__main__":
    main()
