"""Code that goes another way at other sizes: what it reads there must be proved as well."""

import json

import pytest

from model_tools.errors import ParityFailed
from tests.support.packaging.model_folders import write_model
from tests.support.packaging.packing import package_model

NET = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            rows, steps = x.shape[:2]
            if {condition}:
                x = x * 1
            return self.layer(x)
"""
FIELDS = {"inputs": [{"shape": ["batch", "time", 4]}], "axes": {"batch": {"max": 4}, "time": {"max": 500}}}


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        pytest.param("rows == 3 and steps == 411", "decides by a size", id="another axis"),
        pytest.param("rows == 1 and x.max() > 40", "decides by the values", id="values"),
        pytest.param("int(rows) == 4 and x.sum() > 40", "decides by the values", id="values after an int"),
    ],
)
def test_a_decision_that_is_only_taken_at_another_size_is_refused_with_its_line(tmp_path, condition, reason):
    folder = write_model(tmp_path / "model", NET.format(condition=condition), **FIELDS)
    with pytest.raises(ParityFailed, match=rf"{reason}.*line 11: `if {condition.split('(')[0]}"):
        package_model(folder, tmp_path / "package")


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("rows == 1", id="one row"),
        pytest.param("rows == 1 or rows == 3", id="two sizes of an axis"),
        pytest.param("rows == 1 and x.shape[2] == 4", id="fixed axis"),
    ],
)
def test_a_decision_that_all_proved_sizes_take_is_published_and_told(tmp_path, condition):
    folder = write_model(tmp_path / "model", NET.format(condition=condition), **FIELDS)
    evidence = json.loads(package_model(folder, tmp_path / "package").evidence.read_text())
    assert evidence["sizes_read"] == [f"(net.py, line 11: `if {condition}:`)"]
