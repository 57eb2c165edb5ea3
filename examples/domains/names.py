"""Names of sites: those that people choose, and those that malware makes up to find its master."""

import random
import re
import string
from collections import Counter
from pathlib import Path

CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxz", "aeiou"
ENDINGS = ("shop", "online", "blog", "app", "hub", "web", "lab", "24", "tech", "data")
SHORTEST, LONGEST = 5, 30
OFTEN = 3


def words_people_use() -> list[str]:
    """Return some thousand English words, from the comments and texts of Python's own library."""
    library = Path(string.__file__).parent
    texts = (path.read_text(encoding="utf-8", errors="ignore") for path in sorted(library.glob("*.py")))
    counts = Counter(word for text in texts for word in re.findall(r"(?<= )[a-z]{3,12}(?=[ ,;]|[.]\s)", text))
    return sorted(word for word, count in counts.items() if count >= OFTEN)


def chosen_name(words: list[str], draw: random.Random) -> str:
    """Return a name as people choose them: a word or two, sometimes with an ending."""
    while True:
        parts = draw.sample(words, draw.choice((1, 1, 2, 2)))
        if draw.random() < 0.25:  # noqa: PLR2004 (a share)
            parts.append(draw.choice(ENDINGS))
        name = draw.choice(("", "", "", "-")).join(parts)
        if SHORTEST <= len(name) <= LONGEST:
            return name


def generated_name(draw: random.Random) -> str:
    """Return a name as three families of malware make them: any letters, hexadecimal, or pronounceable by force."""
    length = draw.randint(9, 22)
    family = draw.randrange(3)
    if family == 0:
        return "".join(draw.choices(string.ascii_lowercase, k=length))
    if family == 1:
        return "".join(draw.choices("0123456789abcdef", k=length))
    return "".join(draw.choice(VOWELS if place % 2 else CONSONANTS) for place in range(length))
