"""In what form each kind of model has to answer."""

import pytest

from model_tools.errors import ClassesMismatch, TraceFailed
from model_tools.formats.manifest import parse_manifest
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.output_shapes import Answered, check_answer_form

TABULAR = "{name: x, task: tabular, checkpoint: a.pt, inputs: [{shape: [n, 3]}]}"
CLASSES = "{name: x, task: tabular, checkpoint: a.pt, inputs: [{shape: [n, 3]}], classes: c.txt}"
EMBEDDING = "{name: x, task: embedding, checkpoint: a.pt, inputs: [{shape: [n, 3]}]}"
IMAGES = (
    "{name: x, task: image-classification, checkpoint: a.pt, inputs: [{shape: [n, 3, 8, 8]}], classes: c.txt, "
    "preprocess: {size: [8, 8]}}"
)
TEXT = (
    "{name: x, task: text-to-text, checkpoint: a.pt, text: {source_vocabulary: s, target_vocabulary: t}, inputs: "
    "[{shape: [n, source], dtype: int64}, {shape: [n, target], dtype: int64}]}"
)


def check(text: str, shape: list[int], *, dtype="float32", structure="tensor", classes=None, tokens=None) -> None:
    manifest = parse_manifest(text)
    case = Case(seed=1, spread="usual", shapes=[[2, 3], [2, 4]][: len(manifest.inputs)])
    check_answer_form(manifest, case, Answered(structure, dtype, shape), classes=classes, tokens=tokens)


def test_the_forms_that_are_served_are_accepted():
    check(TABULAR, [2])
    check(TABULAR, [2, 5])
    check(TABULAR, [2], dtype="int64")
    check(CLASSES, [2, 2], classes=["a", "b"])
    check(CLASSES, [2], classes=["a", "b"])
    check(CLASSES, [2, 1], classes=["a", "b"])
    check(EMBEDDING, [2, 64], dtype="bfloat16")
    check(IMAGES, [2, 2], classes=["a", "b"])
    check(TEXT, [2, 4, 9], tokens=9)


@pytest.mark.parametrize(
    ("text", "shape", "more"),
    [
        pytest.param(TABULAR, [3], {}, id="tabular with another batch"),
        pytest.param(TABULAR, [], {}, id="tabular without batch"),
        pytest.param(TABULAR, [2, 1, 1], {}, id="tabular with three dimensions"),
        pytest.param(TABULAR, [2], {"structure": "dict"}, id="tabular in a dict"),
        pytest.param(CLASSES, [2, 2], {"classes": ["a", "b"], "dtype": "int64"}, id="classes as numbers with names"),
        pytest.param(EMBEDDING, [2], {}, id="embedding without batch"),
        pytest.param(EMBEDDING, [1, 64], {}, id="embedding with another batch"),
        pytest.param(EMBEDDING, [2, 64], {"dtype": "int64"}, id="embedding of integers"),
        pytest.param(EMBEDDING, [2, 64], {"structure": "tuple"}, id="embedding in a tuple"),
        pytest.param(IMAGES, [2, 1, 1], {"classes": ["a"]}, id="image with three dimensions"),
        pytest.param(TEXT, [2, 3, 9], {"tokens": 9}, id="text with three dimensions"),
        pytest.param(TEXT, [2, 9], {"tokens": 9}, id="text without steps"),
    ],
)
def test_other_forms_are_refused_with_the_one_that_is_served(text, shape, more):
    with pytest.raises(TraceFailed, match=r"answers one tensor \[batch.*of shape"):
        check(text, shape, **more)


def test_another_width_than_the_names_is_refused():
    with pytest.raises(ClassesMismatch, match="names 1 classes, the model answers 2"):
        check(CLASSES, [2, 2], classes=["a"])
    with pytest.raises(ClassesMismatch, match="names 3 classes, the model answers 2"):
        check(CLASSES, [2], classes=["a", "b", "c"])
    with pytest.raises(ClassesMismatch, match="has 8 tokens, the model scores 9"):
        check(TEXT, [2, 4, 9], tokens=8)
