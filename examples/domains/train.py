"""Train a net that tells names made by malware from names that people choose, and write a publishable folder.

python examples/domains/train.py                             # makes this folder's checkpoint again
python examples/domains/train.py --output build/domains      # leaves this folder as it is
"""

import argparse
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from domain_net import DomainNet
from names import chosen_name, generated_name, words_people_use
from predictor import to_ids
from safetensors.torch import save_file
from torch.nn.functional import binary_cross_entropy_with_logits

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "domain_net.py", "predictor.py", "suffixes.txt", "requirements.txt")
BATCH = 128
SAMPLES = {
    "people": ("www.python-garden.co.uk", False),
    "umlaut": ("xn--mnchenhotel-thb.de", False),
    "letters": ("qxkvzjwpgrtbnmhd.com", True),
    "hexadecimal": ("a3f09c7be41d52.info", True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--steps", type=int, default=1500, help=f"batches of {BATCH} names (default 1500)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the names (default 0)")
    options = parser.parse_args()

    torch.set_num_threads(1)
    draw = random.Random(options.seed)  # noqa: S311 (no secrets here)
    words = words_people_use()
    draw.shuffle(words)
    held_out = len(words) // 5
    model = train(words[held_out:], draw, steps=options.steps, seed=options.seed)
    names, generated = draw_names(words[:held_out], 2000, draw)
    with torch.inference_mode():
        right = ((model(names) > 0) == (generated > 0)).float().mean().item()
    print(f"accuracy on 2,000 new names, of words that were held out: {right:.1%}")
    write_folder(options.output, model)
    print(f"wrote {options.output}: model-tools publish {options.output}")


def draw_names(words: Sequence[str], count: int, draw: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """Return names as ids, [count, letters of the longest], and 1.0 for those that are generated."""
    generated = [draw.random() < 0.5 for _ in range(count)]  # noqa: PLR2004 (a share)
    names = [generated_name(draw) if made_up else chosen_name(words, draw) for made_up in generated]
    rows = [torch.tensor(to_ids(name)) for name in names]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor(generated).float()


def train(words: Sequence[str], draw: random.Random, *, steps: int, seed: int) -> DomainNet:
    torch.manual_seed(seed)
    model = DomainNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    for _ in range(steps):
        names, generated = draw_names(words, BATCH, draw)
        loss = binary_cross_entropy_with_logits(model(names), generated)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


def write_folder(folder: Path, model: DomainNet) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
        shutil.copytree(HERE / "wheels", folder / "wheels", dirs_exist_ok=True)
    save_file(model.state_dict(), folder / "checkpoint.safetensors")
    for name, (domain, generated) in SAMPLES.items():
        sample = {"event": {"domain": domain}, "expect": {"answer": {"generated": generated}}}
        (folder / "samples" / f"{name}.json").write_text(json.dumps(sample) + "\n")


if __name__ == "__main__":
    main()
