"""Where a runtime bundle goes: packaging, `plan` and the function itself get the same answer."""

import pytest

from model_tools.errors import ModelTooLarge
from model_tools.formats.sizes import MIB
from model_tools.runtime.placement import TMP_OVERHEAD, TMP_WITH_SNAPSHOT, place_bundle


def test_a_bundle_goes_into_tmp_where_it_fits_beside_the_model_and_the_overhead_of_files() -> None:
    room = TMP_WITH_SNAPSHOT - TMP_OVERHEAD

    assert place_bundle(380 * MIB, room - 380 * MIB).placement == "tmp"
    assert place_bundle(380 * MIB, room - 380 * MIB + 1).placement == "memory"


def test_a_bundle_that_fits_but_for_the_overhead_is_not_sent_into_tmp() -> None:
    assert place_bundle(400 * MIB, 108 * MIB).placement == "memory"
    with pytest.raises(ModelTooLarge, match=r"400\.0 MB and the model 108\.0 MB.*512\.0 MB.*8\.0 MB of overhead"):
        place_bundle(400 * MIB, 108 * MIB, wish="tmp")


def test_memory_is_taken_when_it_is_wished_for_even_where_tmp_has_room() -> None:
    assert place_bundle(1, 1, wish="memory") == ("memory", "as RUNTIME_PLACEMENT says")


def test_a_larger_tmp_holds_more() -> None:
    assert place_bundle(400 * MIB, 400 * MIB, tmp=1024 * MIB).placement == "tmp"


def test_the_reason_names_both_sizes() -> None:
    assert "the bundle's 380.0 MB and the model's 200.0 MB" in place_bundle(380 * MIB, 200 * MIB).reason
