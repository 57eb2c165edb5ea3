"""Replacing members of moto, and noticing when moto no longer has them."""

import sys
from types import ModuleType

import pytest

from emulator.errors import EmulatorError
from emulator.repairing import replace, replace_imported


class Backend:
    def answer(self):
        return "moto's"


def test_a_member_is_replaced():
    replace(Backend, answer=lambda self: "ours")

    assert Backend().answer() == "ours"


def test_a_member_that_moto_no_longer_has_is_named():
    with pytest.raises(EmulatorError, match=r"Backend of moto .* has no _answer.*constraints.txt"):
        replace(Backend, _answer=None)

    assert not hasattr(Backend, "_answer")


def test_a_function_is_replaced_wherever_it_was_imported_to(monkeypatch):
    origin, user, stranger = (ModuleType(name) for name in ("package.origin", "package.user", "another.user"))
    for module in (origin, user, stranger):
        module.measure = len
        monkeypatch.setitem(sys.modules, module.__name__, module)
    user.other = len

    replace_imported("package.", origin, "measure", sum)

    assert (origin.measure, user.measure) == (sum, sum)
    assert (user.other, stranger.measure) == (len, len)
