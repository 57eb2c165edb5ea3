"""The integers that a model takes as an input whose range nobody has told."""

import pytest
import torch

from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.integer_ranges import with_integer_ranges
from tests.support.manifests import parse_manifest

CASE = Case(seed=1, spread="usual", shapes=[[2, 3], [2, 3]])


def ranges(model, first: str = "dtype: int64", second: str = "dtype: int64"):
    inputs = f"[{{shape: [2, 3], {first}}}, {{shape: [2, 3], {second}}}]"
    manifest = parse_manifest(f"{{name: x, task: tensor, checkpoint: a.pt, inputs: {inputs}}}")
    found, notes = with_integer_ranges(model, manifest, CASE)
    return [spec.range for spec in found.inputs], notes


class Embeddings(torch.nn.Module):
    def __init__(self, ids: int, kinds: int) -> None:
        super().__init__()
        self.ids, self.kinds = torch.nn.Embedding(ids, 2), torch.nn.Embedding(kinds, 2)

    def forward(self, ids, kinds):
        return self.ids(ids) + self.kinds(kinds)


@pytest.mark.parametrize(("ids", "kinds"), [(10, 2), (1000, 3), (65536, 2), (2, 17)])
def test_the_ids_of_embeddings_are_found(ids, kinds):
    found, notes = ranges(Embeddings(ids, kinds))
    assert found == [None if ids == 65536 else (0, ids - 1), (0, kinds - 1)]
    assert [note.partition(" is ")[0] for note in notes] == ["inputs.0.range", "inputs.1.range"]
    assert f"from 0 to {kinds - 1}, the largest that the model takes" in notes[1]


def test_an_input_that_takes_every_integer_stays_without_a_range():
    found, notes = ranges(lambda ids, mask: (ids * mask).float())
    assert found == [None, None]
    assert "from 0 to 9." in notes[0]


def test_a_range_that_is_told_and_inputs_of_other_types_are_left_alone():
    assert ranges(Embeddings(9, 9), "dtype: int64, range: [2, 4]", "dtype: float32")[0] == [(2, 4), None]
    assert ranges(lambda x, y: x, "dtype: bool", "dtype: float64") == ([None, None], [])


def test_a_model_that_fails_at_once_is_left_to_fail_when_it_is_asked():
    assert ranges(lambda x, y: x.no_such_method())[0] == [None, None]
