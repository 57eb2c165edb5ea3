"""Whole numbers in words, in German and in English: what the translator is trained on."""

LIMIT = 1_000_000
"""Numbers from 0 up to this one, without it."""
GERMAN_SMALL = [
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
]  # fmt: skip
GERMAN_TENS = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
ENGLISH_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
ENGLISH_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_german(number: int) -> str:
    """Return a number as it is written in one German word: 237 is zweihundertsiebenunddreißig."""
    if number == 0:
        return GERMAN_SMALL[0]
    thousands, rest = divmod(number, 1000)
    word = f"{_german_part(thousands)}tausend" if thousands else ""
    word += _german_part(rest)
    return f"{word}s" if rest % 100 == 1 else word  # eins, hunderteins; but eintausend, einundzwanzig


def in_english(number: int) -> str:
    """Return a number in English words: 237 is two hundred thirty-seven."""
    if number == 0:
        return ENGLISH_SMALL[0]
    thousands, rest = divmod(number, 1000)
    words = [f"{_english_part(thousands)} thousand"] if thousands else []
    return " ".join([*words, _english_part(rest)] if rest else words)


def _german_part(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    word = f"{GERMAN_SMALL[hundreds]}hundert" if hundreds else ""
    if rest == 0:
        return word
    if rest < len(GERMAN_SMALL):
        return word + GERMAN_SMALL[rest]
    tens, ones = divmod(rest, 10)
    return word + (f"{GERMAN_SMALL[ones]}und" if ones else "") + GERMAN_TENS[tens - 2]


def _english_part(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{ENGLISH_SMALL[hundreds]} hundred"] if hundreds else []
    if rest >= len(ENGLISH_SMALL):
        tens, ones = divmod(rest, 10)
        words.append(ENGLISH_TENS[tens - 2] + (f"-{ENGLISH_SMALL[ones]}" if ones else ""))
    elif rest:
        words.append(ENGLISH_SMALL[rest])
    return " ".join(words)
