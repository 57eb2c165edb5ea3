"""What is said of images that are answered otherwise when they are decoded at reduced size."""

import base64

import pytest

from model_tools.errors import ParityFailed
from model_tools.formats.samples import Sample
from model_tools.packaging.proof.decoding import MADE_PHOTO, MAX_IMAGES, refuse_decoding, sample_images
from model_tools.packaging.proof.messages import DecodingDifference

JPEG = base64.b64encode(b"\xff\xd8\xff and so on").decode()
PNG = base64.b64encode(b"\x89PNG").decode()


def decoded(**changes) -> DecodingDifference:
    same = {"name": "a.json", "size": (4000, 3000), "levels_mean": 0.2, "levels_max": 4.0, "answers_apart": 0.01}
    return DecodingDifference(**{**same, "same_top1": True, **changes})


def sample(event: dict, name: str = "a") -> Sample:
    return Sample(name=name, event=event)


def test_roundings_pass_and_a_tie_over_the_made_photo_too():
    refuse_decoding([decoded(), decoded(name=MADE_PHOTO, same_top1=False)])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"levels_mean": 2.5},
            "changes its input by 2.5 levels of 255 on average and 4 at most; 2 and 48 are tolerat",
            id="mean level",
        ),
        pytest.param({"levels_max": 60.0}, "60 at most", id="greatest level"),
        pytest.param({"same_top1": False}, "changes the class that the model answers", id="another class"),
        pytest.param({"answers_apart": 0.2}, "changes the answer by 0.2; 0.05 is tolerated", id="another answer"),
        pytest.param({"answers_apart": float("nan")}, "changes the answer by nan", id="answer of NaN"),
        pytest.param(
            {"name": MADE_PHOTO, "same_top1": False, "answers_apart": 0.2},
            "Decoding a made photo (4000 x 3000 pixels)",
            id="name of the image",
        ),
    ],
)
def test_more_is_refused_with_the_image_and_its_size(changes, told):
    with pytest.raises(ParityFailed, match="at reduced size") as caught:
        refuse_decoding([decoded(), decoded(**changes)])
    assert told in str(caught.value)


def test_only_jpegs_that_samples_bring_themselves_are_looked_at():
    samples = [
        sample({"image": f"data:image/jpeg;base64,{JPEG}"}),
        sample({"image": PNG}, "png"),
        sample({"image": "no base64!"}, "broken"),
        sample({"image": 5}, "number"),
        sample({"url": "http://example.com/a.jpg"}, "url"),
        sample({"requests": [{"image": JPEG}, {"image": PNG}]}, "batch"),
    ]
    assert [(name, data[:3]) for name, data in sample_images(samples)] == [
        ("a", b"\xff\xd8\xff"), ("batch", b"\xff\xd8\xff"),
    ]  # fmt: skip
    assert len(list(sample_images([sample({"image": JPEG})] * (MAX_IMAGES + 5)))) == MAX_IMAGES
