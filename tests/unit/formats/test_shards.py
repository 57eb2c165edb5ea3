"""Weights in several files: refused with the line that joins them."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from model_tools.errors import ManifestInvalid
from model_tools.formats.shards import shard_problem
from model_tools.tasks.manifests import read_manifest
from tests.support.packaging.remedies import follow

PARTS = {"00001": {"a.weight": torch.ones(2)}, "00002": {"b.weight": torch.zeros(3)}}


@pytest.mark.parametrize("named", ["model-00001-of-00002.safetensors", "model.safetensors.index.json"])
def test_parts_of_safetensors_are_joined_by_the_line_of_the_message(named, tmp_path):
    for number, tensors in PARTS.items():
        save_file(tensors, tmp_path / f"model-{number}-of-00002.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    joined = load_file(follow(shard_problem(named) or "", tmp_path))
    assert joined.keys() == {"a.weight", "b.weight"}


@pytest.mark.parametrize("named", ["pytorch_model-00002-of-00002.bin", "pytorch_model.bin.index.json"])
def test_parts_of_torch_save_are_joined_by_the_line_of_the_message(named, tmp_path):
    for number, tensors in PARTS.items():
        torch.save(tensors, tmp_path / f"pytorch_model-{number}-of-00002.bin")
    joined = torch.load(follow(shard_problem(named) or "", tmp_path))
    assert joined.keys() == {"a.weight", "b.weight"}


@pytest.mark.parametrize("named", ["model-00001-of-00001.safetensors", "model.safetensors", "trees.json", "net-2.pt"])
def test_a_file_that_is_whole_is_none_of_them(named):
    assert shard_problem(named) is None


def test_the_manifest_says_so():
    text = (
        "name: a\ntask: tensor\ncheckpoint: model-00001-of-00003.safetensors\narchitecture: net:Net\n"
        "inputs: [{shape: [1, 4]}]\n"
    )
    with pytest.raises(ManifestInvalid, match=re.escape("is one of 3 files that hold the weights together")):
        read_manifest(text.encode())


@pytest.mark.parametrize("name", ["last.ckpt", "model_best.pth.tar", "pytorch_model.bin"])
def test_files_as_other_libraries_name_them_may_be_a_checkpoint(name):
    text = f"name: a\ntask: tensor\ncheckpoint: {name}\narchitecture: net:Net\ninputs: [{{shape: [1, 4]}}]\n"
    assert read_manifest(text.encode()).checkpoint == name
