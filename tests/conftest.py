import pytest

from tests.support.naming.words import words_of


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str:
    """Name a value by its words. `tests/unit/test_names.py` refuses the question mark of one that has none."""
    words = words_of(val)
    return f"?{argname}" if words is None else words
