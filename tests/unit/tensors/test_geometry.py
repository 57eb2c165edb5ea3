"""Where the input of a model lies in the image that was sent: boxes are told in the sender's pixels."""

import io

import pytest
import torch
from PIL import Image

from model_tools.formats.sections import Preprocess
from model_tools.tensors.imaging import locate_image


def located(size: tuple[int, int], preprocess: dict[str, object], *, orientation: int = 1):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(buffer, "PNG", exif=exif)
    return locate_image(buffer.getvalue(), Preprocess.model_validate(preprocess))


@pytest.mark.parametrize(
    ("size", "preprocess", "whole"),
    [
        ((200, 100), {"size": [50, 50]}, [0, 0, 200, 100]),
        ((200, 100), {"size": 50, "crop": 50}, [50, 0, 150, 100]),
        ((100, 200), {"size": 50, "crop": [40, 30]}, [20, 60, 80, 140]),
        ((200, 100), {"size": 50}, [0, 0, 200, 100]),
    ],
    ids=["stretched", "the middle square", "a crop of its own form", "the shorter side only"],
)
def test_a_box_around_the_whole_input_is_what_the_model_saw_of_the_image(size, preprocess, whole):
    tensor, geometry = located(size, preprocess)
    height, width = tensor.shape[2:]

    (box,) = geometry.to_image(torch.tensor([[0.0, 0.0, width, height]]))

    assert box.tolist() == pytest.approx(whole)


def test_boxes_end_at_the_edges_of_the_image():
    tensor, geometry = located((40, 40), {"size": 20, "crop": 30})  # padded by 5 pixels on each side

    (box,) = geometry.to_image(torch.tensor([[0.0, 0.0, *tensor.shape[:1:-1]]]))

    assert box.tolist() == [0, 0, 40, 40]


def test_boxes_are_those_of_the_upright_image():
    _, geometry = located((200, 100), {"size": [50, 50]}, orientation=6)

    assert geometry.image == (100, 200)
