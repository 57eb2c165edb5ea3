"""The form in which a model of each kind has to answer."""

from dataclasses import replace

import pytest

from model_tools.errors import ClassesMismatch, TraceFailed
from model_tools.tasks.answers import AnsweredCase, AnsweredTensor, ObservedValues, check_width
from model_tools.tasks.registry import spec_of
from tests.support.manifests import parse_manifest

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
    shapes = [[2, 3], [2, 4]][: len(manifest.inputs)]
    answered = AnsweredCase(
        structure, [AnsweredTensor("", dtype, shape)], shapes,
        classes=classes, classes_file="c.txt", target_tokens=tokens,
    )  # fmt: skip
    spec_of(manifest.task).check_answer(answered)


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
    with pytest.raises(ClassesMismatch, match="names 3 classes, and the model answers one value for each row"):
        check(CLASSES, [2], classes=["a", "b", "c"])
    with pytest.raises(ClassesMismatch, match="has 8 tokens, the model scores 9"):
        check(TEXT, [2, 4, 9], tokens=8)


def test_the_number_of_names_must_be_that_of_the_values():
    check_width(["a", "b"], 2, where="classes.txt")
    with pytest.raises(ClassesMismatch, match="names 9 classes, the model answers 10 values: add the 1 missing"):
        check_width(list("abcdefghi"), 10, where="classes.txt")
    with pytest.raises(ClassesMismatch, match=r"remove 1 name\(s\)"):
        check_width(["a", "b"], 1, where="classes.txt")


DETECTION = IMAGES.replace("image-classification", "object-detection")
BOXES, LABELS, SCORES = (
    AnsweredTensor(name, dtype, shape)
    for name, dtype, shape in (
        ("boxes", "float32", [2, 9, 4]),
        ("labels", "int64", [2, 9]),
        ("scores", "float16", [2, 9]),
    )
)


def check_detection(structure, *tensors, rows=2) -> None:
    answered = AnsweredCase(structure, tensors, [[rows, 3, 8, 8]], classes=["a", "b"])
    spec_of(parse_manifest(DETECTION).task).check_answer(answered)


def in_order(*tensors, rows=None):
    """Return tensors named by their place, as a tuple's are, without the batch axis if there are no rows."""
    return [
        replace(tensor, name=str(place), shape=tensor.shape if rows else tensor.shape[1:])
        for place, tensor in enumerate(tensors)
    ]


def test_a_detector_answers_boxes_labels_and_scores_by_name_or_in_order():
    check_detection("dict", SCORES, BOXES, LABELS)
    check_detection("tuple", *in_order(BOXES, LABELS, SCORES, rows=2))
    check_detection("tuple", *in_order(BOXES, LABELS, SCORES), rows=1)


@pytest.mark.parametrize(
    ("structure", "tensors", "rows"),
    [
        ("tensor", [replace(BOXES, name="")], 2),
        ("dict", [BOXES, LABELS], 2),
        ("dict", [BOXES, LABELS, replace(SCORES, name="confidence")], 2),
        ("dict", [BOXES, LABELS, replace(SCORES, shape=[2, 8])], 2),
        ("dict", [replace(BOXES, shape=[2, 9, 5]), LABELS, SCORES], 2),
        ("dict", [BOXES, replace(LABELS, dtype="float32"), SCORES], 2),
        ("dict", [BOXES, LABELS, SCORES], 3),
        ("tuple", in_order(BOXES, LABELS, SCORES), 2),
    ],
    ids=["one tensor", "no scores", "another key", "fewer scores", "five numbers", "labels as floats", "other rows",
         "no batch axis for two images"],
)  # fmt: skip
def test_a_detector_that_answers_otherwise_is_told_the_form(structure, tensors, rows):
    with pytest.raises(TraceFailed, match=r"answers a dict .* of boxes \[batch, candidates, 4\].*this model answers a"):
        check_detection(structure, *tensors, rows=rows)


def test_every_label_of_a_detector_has_a_name_and_every_score_is_a_probability():
    def observed(tensor, smallest, largest):
        return replace(tensor, values=ObservedValues(smallest, largest))

    check_detection("dict", BOXES, observed(LABELS, 0, 1), observed(SCORES, 0.0, 1.0))
    with pytest.raises(ClassesMismatch, match=r"names 2 classes, the labels 0 to 1, and the model answers the label 2"):
        check_detection("dict", BOXES, observed(LABELS, 0, 2), SCORES)
    with pytest.raises(ClassesMismatch, match="answers the label -1"):
        check_detection("dict", BOXES, observed(LABELS, -1, 1), SCORES)
    with pytest.raises(TraceFailed, match=r"scores from -3 to 7"):
        check_detection("dict", BOXES, LABELS, observed(SCORES, -3.0, 7.0))


TENSOR = "{name: x, task: tensor, checkpoint: a.pt, inputs: [{shape: [n, 3]}], classes: c.txt}"


@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param([[2, 3]], id="values of a row"),
        pytest.param([[2, 3, 8, 8]], id="channels of an image"),
        pytest.param([[2, 7, 3]], id="values of each place"),
        pytest.param([[2, 5], [2, 3]], id="the second output"),
    ],
)
def test_names_fit_a_tensor_model_where_an_output_is_as_wide(shapes):
    tensors = [AnsweredTensor(str(place), "float32", shape) for place, shape in enumerate(shapes)]
    answered = AnsweredCase("tuple", tensors, [[2, 3]], classes=["a", "b", "c"], classes_file="c.txt")
    check_answer = spec_of(parse_manifest(TENSOR).task).check_answer

    check_answer(answered)
    with pytest.raises(ClassesMismatch, match=r"c\.txt names 4 classes"):
        check_answer(replace(answered, classes=["a", "b", "c", "d"]))


@pytest.mark.parametrize("shape", [[2, 5, 1, 1], [2, 5, 1]], ids=["pooled image", "pooled series"])
def test_axes_of_size_one_behind_the_values_are_refused_with_how_to_leave_them_out(shape):
    with pytest.raises(TraceFailed, match=r"ended with \.flatten\(1\), which leaves the axes of size 1 out"):
        check(EMBEDDING, shape)
    with pytest.raises(TraceFailed) as caught:
        check(EMBEDDING, [2, 5, 4])
    assert "flatten" not in str(caught.value)
