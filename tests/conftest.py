from collections.abc import Sequence

import pytest

from tests.support.naming.words import unreadable, words_of


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str:
    """Name a value by its words. The question mark of one that has none is refused below."""
    words = words_of(val)
    return f"?{argname}" if words is None else words


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """End the run if the name of a test cannot be read."""
    names = unreadable([item.nodeid for item in items])
    if names:
        raise pytest.UsageError(f"give them names of words, by pytest.param(…, id='a null byte'): {', '.join(names)}")
