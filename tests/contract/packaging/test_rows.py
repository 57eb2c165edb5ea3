"""Requests that share a batch are answered as if each had been alone, or do not share it."""

import json
import tarfile

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
            self.embed = nn.Embedding(6, 4, padding_idx=0)
            self.recur = nn.GRU(4, 4, batch_first=True)
            self.norm = nn.BatchNorm1d(4, track_running_stats=False)
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return {forward}
"""
WORDS = "<pad>\n<unk>\none\ntwo\nthree\nfour\n"
TEXTS = {
    "task": "embedding",
    "inputs": [{"shape": ["batch", "words"], "dtype": "int64"}],
    "axes": {"words": {"max": 6}},
    "text": {"source_vocabulary": "words.txt", "tokens": "words", "max_source_tokens": 6},
    "files": {"words.txt": WORDS},
}
NUMBERS = {"inputs": [{"shape": ["batch", 4]}]}


def packaged(tmp_path, forward: str, **fields):
    package = package_model(
        write_model(tmp_path / "model", NET.format(forward=forward), **fields), tmp_path / "package"
    )
    with tarfile.open(package.archive) as archive:
        served = json.loads(archive.extractfile("manifest.json").read())
        evidence = json.loads(archive.extractfile("parity.json").read())
    return served, evidence


def test_rows_that_change_one_another_are_answered_one_by_one_and_the_evidence_says_so(tmp_path):
    served, evidence = packaged(tmp_path, "self.head(self.norm(x))", **NUMBERS, axes={"batch": {"min": 2, "max": 8}})
    assert served["rows_apart"]
    assert evidence["rows"] == "rows of a batch change one another's answers: each request is answered alone"


def test_rows_that_do_not_share_batches(tmp_path):
    served, evidence = packaged(tmp_path, "self.head(x)", **NUMBERS)
    assert not served["rows_apart"]
    assert evidence["rows"] == "a row is answered alone as in a batch: requests share batches"
    assert "padding" not in evidence


def test_a_model_that_writes_into_its_input_may_share_batches(tmp_path):
    served, _ = packaged(tmp_path, "self.head(x.mul_(2))", **NUMBERS)
    assert not served["rows_apart"]


@pytest.mark.parametrize(
    ("forward", "counts"),
    [
        pytest.param("self.recur(self.embed(x))[1][-1]", True, id="last state"),
        pytest.param("self.embed(x).mean(1)", True, id="mean over all tokens"),
        pytest.param("self.embed(x).sum(1)", False, id="sum of embeddings that are 0 for padding"),
        pytest.param("self.recur(self.embed(x))[0][:, 0]", False, id="first state"),
    ],
)
def test_texts_of_other_lengths_share_a_batch_only_if_padding_does_not_count(tmp_path, forward, counts):
    served, evidence = packaged(tmp_path, forward, **TEXTS)
    assert served["padding_counts"] is counts
    assert ("only texts of equal length" in evidence["padding"]) is counts


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_hides_no_row_that_changes_another_a_little(tmp_path, dtype):
    fields = {"inputs": [{"shape": ["batch", 4], "dtype": dtype}]}
    mixed = "self.head(x) + 0.02 * self.head(x).mean(0)"
    for name, forward, apart in (("mixed", mixed, True), ("alone", "self.head(x)", False)):
        code = NET.replace("nn.Linear(4, 3)", f"nn.Linear(4, 3).to(torch.{dtype})")
        (tmp_path / name).mkdir()
        model = write_model(tmp_path / name / "model", code.format(forward=forward), **fields)
        package = package_model(model, tmp_path / name / "package")
        with tarfile.open(package.archive) as archive:
            assert json.loads(archive.extractfile("manifest.json").read())["rows_apart"] is apart


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param("self.head(x / math.sqrt(len(x)))", id="half precision"),
        pytest.param("self.head(x).argmax(1) * min(len(x), 3)", id="integers"),
    ],
)
def test_a_number_from_a_size_is_refused_where_answers_are_too_coarse_to_tell(tmp_path, forward):
    code = NET.replace("import torch\n", "import math\n    import torch\n", 1)
    code = code.replace("nn.Linear(4, 3)", "nn.Linear(4, 3).to(torch.bfloat16)").format(forward=forward)
    fields = {"inputs": [{"shape": ["batch", 4], "dtype": "bfloat16"}]}
    with pytest.raises(ParityFailed, match="cannot be told from answers in half precision"):
        package_model(write_model(tmp_path / "model", code, **fields), tmp_path / "package")
