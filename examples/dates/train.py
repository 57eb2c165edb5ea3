"""Train an encoder that puts the same day at the same place however it is written, and write a publishable folder.

python examples/dates/train.py                           # makes this folder's checkpoint again
python examples/dates/train.py --output build/dates      # leaves this folder as it is
"""

import argparse
import datetime as dt
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from date_encoder import DateEncoder
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, normalize

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "date_encoder.py", "tokens.txt")
ENGLISH = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]  # fmt: skip
GERMAN = [
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
]  # fmt: skip
FIRST = dt.date(1900, 1, 1)
DAYS = 73_000
HELD_OUT_EVERY = 11
"""Of 11 days one is never trained on."""
BATCH = 256
TEMPERATURE = 0.05
SAMPLES = {"iso": "2021-03-14", "german": "14. März 2021", "english": "March 14, 2021", "other-day": "2021-03-15"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--steps", type=int, default=1000, help=f"batches of {BATCH} days (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the days (default 0)")
    options = parser.parse_args()

    torch.set_num_threads(1)
    ids = {token: index for index, token in enumerate((HERE / "tokens.txt").read_text("utf-8").split("\n")[:-1])}
    model = train(DateEncoder(len(ids)), ids, steps=options.steps, seed=options.seed)
    draw = random.Random(options.seed)  # noqa: S311 (no secrets here)
    print(f"found among 1,000 held-out days: {found(model, ids, draw):.1%}")
    write_folder(options.output, model, ids)
    print(f"wrote {options.output}: model-tools publish {options.output}")


def write_date(day: dt.date, style: int) -> str:
    """Return a day in one of six notations."""
    english, german = ENGLISH[day.month - 1], GERMAN[day.month - 1]
    return (
        day.isoformat(),
        f"{day.day:02}.{day.month:02}.{day.year}",
        f"{day.day}. {german} {day.year}",
        f"{english} {day.day}, {day.year}",
        f"{day.day} {english[:3]} {day.year}",
        f"{day.month}/{day.day}/{day.year}",
    )[style]


STYLES = range(6)


def to_ids(texts: Sequence[str], ids: dict[str, int]) -> torch.Tensor:
    """Return texts as int64 [texts, letters of the longest], filled up with padding."""
    rows = [torch.tensor([ids[letter] for letter in text.lower()]) for text in texts]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def draw_days(count: int, draw: random.Random, *, held_out: bool = False) -> list[dt.date]:
    """Return different days, some of them neighbours, which are the hardest to tell apart."""
    days: set[int] = set()
    while len(days) < count:
        day = draw.randrange(DAYS)
        near = (day, day + 1, day + 31, day + 365)
        days.update(other for other in near if (other % HELD_OUT_EVERY == 0) == held_out)
    return [FIRST + dt.timedelta(day) for day in draw.sample(sorted(days), count)]


def train(model: DateEncoder, ids: dict[str, int], *, steps: int, seed: int) -> DateEncoder:
    torch.manual_seed(seed)
    draw = random.Random(seed)  # noqa: S311 (no secrets here)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.xavier_uniform_(parameter)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        days = draw_days(BATCH, draw)
        pairs = [[write_date(day, style) for style in draw.sample(STYLES, 2)] for day in days]
        ones, others = (normalize(model(to_ids([pair[side] for pair in pairs], ids))) for side in range(2))
        likeness = ones @ others.T / TEMPERATURE
        same = torch.arange(BATCH)
        loss = cross_entropy(likeness, same) + cross_entropy(likeness.T, same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    return model.eval()


@torch.inference_mode()
def found(model: DateEncoder, ids: dict[str, int], draw: random.Random) -> float:
    """Return how often a day in one notation has itself in another as its nearest neighbour."""
    days = draw_days(1000, draw, held_out=True)
    rates = []
    for asked, stored in ((0, 2), (1, 3), (4, 5), (2, 3)):
        questions, answers = (
            normalize(model(to_ids([write_date(day, style) for day in days], ids))) for style in (asked, stored)
        )
        rates.append(((questions @ answers.T).argmax(1) == torch.arange(len(days))).float().mean().item())
    return sum(rates) / len(rates)


@torch.inference_mode()
def write_folder(folder: Path, model: DateEncoder, ids: dict[str, int]) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    save_file(model.state_dict(), folder / "checkpoint.safetensors")
    for name, text in SAMPLES.items():
        embedding = [round(value, 4) for value in normalize(model(to_ids([text], ids)))[0].tolist()]
        sample = {"event": {"text": text}, "expect": {"answer": {"embedding": embedding}}}
        (folder / "samples" / f"{name}.json").write_text(json.dumps(sample, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
