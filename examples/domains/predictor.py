"""How a request becomes letters, and a number an answer. The trainer reads names the same way."""

from functools import cache
from pathlib import Path
from typing import Any

import idna
import torch

LETTERS = " abcdefghijklmnopqrstuvwxyz0123456789-"
"""A letter's place is its id; 0 is none, and a letter that is not here has the id after the last."""
LONGEST = 30
LONGEST_DOMAIN = 253
PLAIN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "s", "é": "e", "è": "e", "à": "a", "ñ": "n", "ç": "c"})
SUSPICIOUS = 0.5


def preprocess(request: dict[str, Any], context: Any) -> torch.Tensor:
    """{"domain": "xn--bcher-kva.example.co.uk"} → int64 [1, letters] of the name that its owner chose: example."""
    domain = request.get("domain")
    if not isinstance(domain, str) or not domain.strip(".") or len(domain) > LONGEST_DOMAIN:
        raise context.BadRequest('domain must be a string such as "example.com"')
    try:
        readable = as_people_read_it(domain)
    except idna.IDNAError as error:
        raise context.BadRequest("domain is no name that can be registered") from error
    return torch.tensor([to_ids(chosen_part(readable, suffixes(context.path("suffixes.txt"))))])


def respond(output: torch.Tensor, request: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """[1] logits → {"domain", "generated", "probability"}."""
    probability = torch.sigmoid(output[0].float()).item()
    return {
        "domain": as_people_read_it(request["domain"]),
        "generated": probability > SUSPICIOUS,
        "probability": round(probability, 4),
    }


def as_people_read_it(domain: str) -> str:
    """xn--bcher-kva.de → bücher.de."""
    return idna.decode(domain.strip(".").lower())


@cache
def suffixes(file: Path) -> frozenset[str]:
    return frozenset(file.read_text(encoding="utf-8").split())


def chosen_part(domain: str, known: frozenset[str]) -> str:
    """www.example.co.uk → example: the label before the longest suffix that is known."""
    labels = domain.split(".")
    for start in range(1, len(labels)):
        if ".".join(labels[start:]) in known:
            return labels[start - 1]
    return labels[-2] if len(labels) > 1 else labels[0]


def to_ids(name: str) -> list[int]:
    """Return a name's letters as ids, without their accents."""
    letters = name.translate(PLAIN)[:LONGEST]
    return [LETTERS.find(letter) if letter in LETTERS else len(LETTERS) for letter in letters]
