"""Models that are asked with a mask, or with padded ids, and answer NaN to rows of which everything is masked."""

import json

import pytest

from model_tools.errors import ParityFailed
from tests.support.packaging.model_folders import write_model
from tests.support.packaging.packing import package_model, serve_package

NET = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(8, 8)
            layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.encode = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

        def forward(self, {arguments}):
            return self.encode({argument}, src_key_padding_mask={padding})
"""
IDS = {"shape": ["batch", "words"], "dtype": "int64", "range": [0, 7]}
VECTORS = {"shape": ["batch", "words", 8]}
BITS = {"shape": ["batch", "words"], "dtype": "int64", "range": [0, 1]}
FLAGS = {"shape": ["batch", "words"], "dtype": "bool"}


@pytest.mark.parametrize(
    ("arguments", "argument", "padding", "inputs", "end"),
    [
        pytest.param("x", "self.embed(x)", "x == 0", [IDS], "inputs.0 with nothing but 0", id="padded ids"),
        pytest.param("x, m", "x", "m == 0", [VECTORS, BITS], "inputs.1 with nothing but 0", id="mask of ones"),
        pytest.param("x, m", "x", "~m", [VECTORS, FLAGS], "inputs.1 with nothing but 0", id="mask of what counts"),
        pytest.param("x, m", "x", "m", [VECTORS, FLAGS], "inputs.1 with nothing but 1", id="mask of what is padding"),
    ],
)
def test_rows_that_mask_everything_are_not_asked_and_the_evidence_says_so(
    tmp_path, arguments, argument, padding, inputs, end
):
    net = NET.format(arguments=arguments, argument=argument, padding=padding)
    folder = write_model(tmp_path / "model", net, inputs=inputs, axes={"words": {"max": 6}})
    package = package_model(folder, tmp_path / "package")
    notes = json.loads(package.evidence.read_text())["notes"]
    assert f"The model answers no finite numbers to rows of {end}: such requests fail." in notes
    assert serve_package(package, tmp_path / "home")


def test_nan_that_no_mask_explains_is_refused(tmp_path):
    net = NET.format(arguments="x, m", argument="x.log()", padding="m")
    folder = write_model(tmp_path / "model", net, inputs=[VECTORS, FLAGS], axes={"words": {"max": 6}})
    with pytest.raises(ParityFailed, match="The model answers NaN"):
        package_model(folder, tmp_path / "package")
