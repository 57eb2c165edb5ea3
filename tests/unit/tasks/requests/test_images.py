"""Whether the input of a model of images is what its preprocessing makes."""

import pytest

from model_tools.errors import ManifestInvalid
from tests.support.manifests import parse_manifest


def image(shape: str, preprocess: str, dtype: str = "float32"):
    return parse_manifest(
        f"{{name: x, task: image-classification, checkpoint: a.pt, classes: c.txt, preprocess: {preprocess}, "
        f"inputs: [{{shape: {shape}, dtype: {dtype}}}]}}"
    )


@pytest.mark.parametrize(
    ("shape", "preprocess"),
    [
        pytest.param("[1, 3, 224, 224]", "{size: 256, crop: 224}", id="cropped"),
        pytest.param("[batch, 1, 8, 6]", "{size: [8, 6], mode: L}", id="grey and not square"),
        pytest.param("[batch, 3, height, width]", "{size: 32}", id="free size"),
    ],
)
def test_an_input_that_preprocessing_makes_is_accepted(shape, preprocess):
    image(shape, preprocess)


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
        image(shape, preprocess)
    assert told in str(caught.value)


def test_images_do_not_come_as_integers():
    with pytest.raises(ManifestInvalid, match="use float32"):
        image("[1, 3, 8, 8]", "{size: [8, 8]}", dtype="uint8")


def test_a_model_that_embeds_images_is_checked_alike():
    fields = "{name: x, task: embedding, checkpoint: a.pt, preprocess: {size: [8, 8]}, inputs: [{shape: [1, 3, 9, 9]}]}"
    with pytest.raises(ManifestInvalid, match=r"preprocess.size makes images of \[8, 8\]"):
        parse_manifest(fields)
