"""Train the translator and write a folder that can be published; seven minutes on one processor.

python examples/numbers/train.py                             # makes this folder's checkpoint again
python examples/numbers/train.py --output build/numbers      # leaves this folder as it is
"""

import argparse
import json
import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from number_words import LIMIT, in_english, in_german
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from translator import Translator

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "translator.py", "source.txt", "target.txt")
PAD, BOS, EOS = 0, 2, 3
BATCH = 128
HELD_OUT_EVERY = 17
HELD_OUT = 5
"""Of 17 numbers in a row one is never trained on: 5, 22, 39, …"""
SAMPLES = (0, 1, 21, 101, 237, 1987, 16017, 100000, 345678, 777777)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--steps", type=int, default=1800, help=f"batches of {BATCH} numbers (default 1800)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the numbers (default 0)")
    options = parser.parse_args()

    sources, targets = read_ids("source.txt"), read_ids("target.txt")
    model = Translator(len(sources), len(targets))
    model = train(model, sources, targets, steps=options.steps, seed=options.seed)
    draw = random.Random(options.seed)  # noqa: S311 (no secrets here)
    held_out = draw.sample(range(HELD_OUT, LIMIT, HELD_OUT_EVERY), 1000)
    print(f"exact on 1,000 held-out numbers: {exact(model, held_out, sources, targets):.1%}")
    write_folder(options.output, model)
    print(f"wrote {options.output}: model-tools publish {options.output}")


def read_ids(name: str) -> dict[str, int]:
    return {token: index for index, token in enumerate((HERE / name).read_text(encoding="utf-8").split("\n")[:-1])}


def numbers_to_train_on(count: int, draw: random.Random) -> list[int]:
    """Return numbers of all lengths that are not held out; many of them repeat themselves, which is hard to follow."""
    numbers: list[int] = []
    while len(numbers) < count:
        digits = draw.sample("0123456789", draw.choice((1, 2, 3, 10, 10, 10)))
        number = int("".join(draw.choices(digits, k=draw.choice((2, 3, 3, 4, 5, 6, 6, 6, 6)))))
        if number % HELD_OUT_EVERY != HELD_OUT:
            numbers.append(number)
    return numbers


def to_ids(
    texts: Sequence[str], ids: dict[str, int], before: Sequence[int] = (), after: Sequence[int] = ()
) -> torch.Tensor:
    """Return texts as int64 [texts, tokens of the longest], filled up with padding."""
    rows = [torch.tensor([*before, *(ids[token] for token in text), *after]) for text in texts]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


def train(model: Translator, sources: dict[str, int], targets: dict[str, int], *, steps: int, seed: int) -> Translator:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    draw = random.Random(seed)  # noqa: S311 (no secrets here)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.xavier_uniform_(parameter)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.1)
    began = time.monotonic()
    # Numbers of like length go together, so that little is computed for padding.
    pool: list[list[int]] = []
    for step in range(steps):
        if not pool:
            numbers = sorted(numbers_to_train_on(16 * BATCH, draw), key=lambda number: len(in_english(number)))
            pool = [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
            draw.shuffle(pool)
        numbers = pool.pop()
        source = to_ids([in_german(number) for number in numbers], sources)
        target = to_ids([in_english(number) for number in numbers], targets, [BOS], [EOS])
        logits = model(source, target[:, :-1])
        loss = cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.4f}, {time.monotonic() - began:.0f} s", flush=True)
    return model.eval()


@torch.inference_mode()
def exact(model: Translator, numbers: Sequence[int], sources: dict[str, int], targets: dict[str, int]) -> float:
    """Return how many of the numbers are translated without a fault, letter by letter as the likeliest has it."""
    right = 0
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        source = to_ids([in_german(number) for number in some], sources)
        wanted = to_ids([in_english(number) for number in some], targets, [BOS], [EOS])
        written = torch.full((len(some), 1), BOS)
        for _ in range(wanted.shape[1] - 1):
            likeliest = model(source, written)[:, -1].argmax(-1, keepdim=True)
            written = torch.cat([written, likeliest], dim=1)
        right += ((written == wanted) | (wanted == PAD)).all(1).sum().item()
    return right / len(numbers)


def write_folder(folder: Path, model: Translator) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    save_file(model.state_dict(), folder / "checkpoint.safetensors")
    for number in SAMPLES:
        sample = {"event": {"text": in_german(number)}, "expect": {"answer": {"text": in_english(number)}}}
        text = json.dumps(sample, ensure_ascii=False, indent=1) + "\n"
        (folder / "samples" / f"{number}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
