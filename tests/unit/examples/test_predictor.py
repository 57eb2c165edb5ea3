"""The custom example's own code, with a context as serving hands it over."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from examples.domains import predictor

FOLDER = Path(predictor.__file__).parent


class Refused(Exception):
    pass


CONTEXT = SimpleNamespace(path=lambda name: FOLDER / name, BadRequest=Refused)


def read(domain: object) -> torch.Tensor:
    return predictor.preprocess({"domain": domain}, CONTEXT)


def test_the_part_that_the_owner_chose_is_read() -> None:
    names = ("example.com", "www.example.co.uk", "example", "EXAMPLE.com.", "a.b.example.unknown")

    assert [read(name).tolist() for name in names] == [[predictor.to_ids("example")]] * len(names)


def test_an_international_name_is_read_as_people_write_it() -> None:
    assert read("xn--mnchenhotel-thb.de").tolist() == [predictor.to_ids("munchenhotel")]


def test_letters_without_an_id_of_their_own_share_the_last_one() -> None:
    model_takes = 38

    assert max(predictor.to_ids("пример-ü9")) == model_takes


@pytest.mark.parametrize(
    "domain",
    [
        pytest.param(None, id="none"),
        pytest.param(7, id="a number"),
        pytest.param("", id="empty"),
        pytest.param("...", id="dots alone"),
        pytest.param("xn--.com", id="damaged punycode"),
        pytest.param("a." * 127, id="too long"),
        pytest.param("two words.com", id="two words"),
    ],
)
def test_what_is_no_domain_is_the_callers_fault(domain: object) -> None:
    with pytest.raises(Refused, match="domain"):
        read(domain)


def test_a_logit_becomes_an_answer() -> None:
    answer = predictor.respond(torch.tensor([2.0]), {"domain": "XN--MNCHENHOTEL-THB.de."}, CONTEXT)

    assert answer == {"domain": "münchenhotel.de", "generated": True, "probability": 0.8808}
