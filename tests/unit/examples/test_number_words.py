"""What the translator is trained on must be right, for it learns what it is told."""

import pytest

from examples.numbers.number_words import LIMIT, in_english, in_german


@pytest.mark.parametrize(
    ("number", "german", "english"),
    [
        (0, "null", "zero"),
        (1, "eins", "one"),
        (12, "zwölf", "twelve"),
        (16, "sechzehn", "sixteen"),
        (20, "zwanzig", "twenty"),
        (21, "einundzwanzig", "twenty-one"),
        (77, "siebenundsiebzig", "seventy-seven"),
        (100, "einhundert", "one hundred"),
        (101, "einhunderteins", "one hundred one"),
        (111, "einhundertelf", "one hundred eleven"),
        (237, "zweihundertsiebenunddreißig", "two hundred thirty-seven"),
        (1000, "eintausend", "one thousand"),
        (1001, "eintausendeins", "one thousand one"),
        (16_017, "sechzehntausendsiebzehn", "sixteen thousand seventeen"),
        (101_000, "einhunderteintausend", "one hundred one thousand"),
        (999_999, "neunhundertneunundneunzigtausendneunhundertneunundneunzig",
         "nine hundred ninety-nine thousand nine hundred ninety-nine"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(number: int, german: str, english: str) -> None:
    assert in_german(number) == german
    assert in_english(number) == english


def test_no_two_numbers_are_written_alike() -> None:
    some = range(0, LIMIT, 7)

    assert len(set(map(in_german, some))) == len(set(map(in_english, some))) == len(some)


def test_every_number_fits_what_the_model_reads_and_writes() -> None:
    longest = range(0, LIMIT, 7)

    assert max(len(in_german(number)) for number in longest) <= 80
    assert max(len(in_english(number)) for number in longest) < 80
