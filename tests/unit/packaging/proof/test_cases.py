"""Which inputs parity is proved on, and whether preprocessing makes what a model takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import parse_manifest
from model_tools.packaging.proof.cases import parity_cases, trace_case
from model_tools.packaging.samples.image_inputs import check_image_input

HUGE = 1 << 40


def tensor(shape: str, axes: str = "{}"):
    return parse_manifest(f"{{name: x, task: tensor, checkpoint: a.pt, inputs: [{{shape: {shape}}}], axes: {axes}}}")


def image(shape: str, preprocess: str, dtype: str = "float32"):
    return parse_manifest(
        f"{{name: x, task: image-classification, checkpoint: a.pt, classes: c.txt, preprocess: {preprocess}, "
        f"inputs: [{{shape: {shape}, dtype: {dtype}}}]}}"
    )


def test_a_fixed_shape_is_tried_with_several_seeds_and_magnitudes():
    cases = parity_cases(tensor("[1, 3]"), max_elements=HUGE)
    assert [case.spread for case in cases] == ["usual", "usual", "usual", "narrow", "wide"]
    assert len({case.seed for case in cases}) == 5


def test_dynamic_axes_are_tried_at_both_ends_and_against_one_another():
    cases = parity_cases(tensor("[batch, words]", "{batch: {max: 8}, words: {min: 5, max: 70}}"), max_elements=HUGE)
    assert trace_case(tensor("[batch, words]")).shapes == [[2, 3]]
    assert [case.shapes[0] for case in cases[5:]] == [[1, 5], [8, 70], [8, 5], [1, 70]]


def test_a_huge_axis_is_tried_as_far_as_the_limit_goes():
    shapes = [
        case.shapes[0] for case in parity_cases(tensor("[batch, 10]", "{batch: {max: 1000000}}"), max_elements=1000)
    ]
    assert max(shape[0] for shape in shapes) in range(50, 101)


@given(st.integers(1, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 9))
def test_every_case_stays_within_the_axes_and_none_is_the_traced_one(low, more, other_low, other_more):
    manifest = tensor(
        "[a, b, a]", f"{{a: {{min: {low}, max: {low + more}}}, b: {{min: {other_low}, max: {other_low + other_more}}}}}"
    )
    for case in [trace_case(manifest), *parity_cases(manifest, max_elements=200)]:
        a, b, same = case.shapes[0]
        assert a == same
        assert low <= a <= low + more
        assert other_low <= b <= other_low + other_more
    assert trace_case(manifest).seed not in {case.seed for case in parity_cases(manifest, max_elements=200)}


@pytest.mark.parametrize(
    ("shape", "preprocess"),
    [
        pytest.param("[1, 3, 224, 224]", "{size: 256, crop: 224}", id="cropped"),
        pytest.param("[batch, 1, 8, 6]", "{size: [8, 6], mode: L}", id="grey and not square"),
        pytest.param("[batch, 3, height, width]", "{size: 32}", id="free size"),
    ],
)
def test_an_input_that_preprocessing_makes_is_accepted(shape, preprocess):
    check_image_input(image(shape, preprocess))


@pytest.mark.parametrize(
    ("shape", "preprocess", "told"),
    [
        pytest.param(
            "[1, 3, 224]",
            "{size: 224}",
            "one input of the shape [batch, channels, height, width]",
            id="three dimensions",
        ),
        pytest.param("[4, 3, 8, 8]", "{size: [8, 8]}", "requests bring one image, the batch is 4", id="batch of four"),
        pytest.param(
            "[1, 1, 8, 8]",
            "{size: [8, 8]}",
            "the model takes 1 channel(s), preprocess makes 3 (mode RGB)",
            id="one channel",
        ),
        pytest.param(
            "[1, 3, 8, 6]", "{size: [6, 8]}", "preprocess.size makes images of [6, 8]", id="height and width exchanged"
        ),
        pytest.param(
            "[1, 3, 224, 224]",
            "{size: 256, crop: 200}",
            "preprocess.crop makes images of [200, 200]",
            id="another crop",
        ),
        pytest.param(
            "[1, 3, 224, 224]", "{size: 224}", "add crop, or give size as [height, width]", id="side of unknown length"
        ),
    ],
)
def test_an_input_that_preprocessing_does_not_make_is_refused(shape, preprocess, told):
    with pytest.raises(ManifestInvalid) as caught:
        check_image_input(image(shape, preprocess))
    assert told in str(caught.value)


def test_images_do_not_come_as_integers():
    with pytest.raises(ManifestInvalid, match="use float32"):
        check_image_input(image("[1, 3, 8, 8]", "{size: [8, 8]}", dtype="uint8"))


def test_a_model_that_embeds_images_is_checked_alike():
    fields = "{name: x, task: embedding, checkpoint: a.pt, preprocess: {size: [8, 8]}, inputs: [{shape: [1, 3, 9, 9]}]}"
    with pytest.raises(ManifestInvalid, match=r"preprocess.size makes images of \[8, 8\]"):
        check_image_input(parse_manifest(fields))
