"""What the translator is trained on must be right, for it learns what it is told."""

import pytest

from examples.numbers.number_words import LIMIT, in_english, in_german


@pytest.mark.parametrize(
    ("number", "german", "english"),
    [
        pytest.param(0, "null", "zero", id="0"),
        pytest.param(1, "eins", "one", id="1"),
        pytest.param(12, "zwölf", "twelve", id="12"),
        pytest.param(16, "sechzehn", "sixteen", id="16"),
        pytest.param(20, "zwanzig", "twenty", id="20"),
        pytest.param(21, "einundzwanzig", "twenty-one", id="21"),
        pytest.param(77, "siebenundsiebzig", "seventy-seven", id="77"),
        pytest.param(100, "einhundert", "one hundred", id="100"),
        pytest.param(101, "einhunderteins", "one hundred one", id="101"),
        pytest.param(111, "einhundertelf", "one hundred eleven", id="111"),
        pytest.param(237, "zweihundertsiebenunddreißig", "two hundred thirty-seven", id="237"),
        pytest.param(1000, "eintausend", "one thousand", id="1000"),
        pytest.param(1001, "eintausendeins", "one thousand one", id="1001"),
        pytest.param(16_017, "sechzehntausendsiebzehn", "sixteen thousand seventeen", id="16017"),
        pytest.param(101_000, "einhunderteintausend", "one hundred one thousand", id="101000"),
        pytest.param(999_999, "neunhundertneunundneunzigtausendneunhundertneunundneunzig",
         "nine hundred ninety-nine thousand nine hundred ninety-nine", id="999999"),
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
