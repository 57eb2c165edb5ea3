import pytest

from model_tools.errors import ModelNotFound
from model_tools.serving.images.fetch import Fetcher
from model_tools.serving.images.image_source import ImageSource
from model_tools.serving.requests import BadRequest


def read_object(uri: str, max_bytes: int) -> bytes:
    if uri != "s3://pictures/a/b.png":
        raise ModelNotFound(f"{uri} is not there")
    return b"pixels"


def refuse_to_read(uri: str, max_bytes: int) -> bytes:
    raise AssertionError(f"{uri} must not be asked for")


def test_an_image_comes_from_a_bucket_that_the_operator_named() -> None:
    assert ImageSource(Fetcher(), read_object, {"pictures"}).fetch("s3://pictures/a/b.png") == b"pixels"


def test_an_image_that_is_not_there_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="no such image"):
        ImageSource(Fetcher(), read_object, {"pictures"}).fetch("s3://pictures/none.png")


@pytest.mark.parametrize("url", ["s3://others/a/b.png", "s3://pictures.evil/a", "s3://", "s3:///pictures/a"])
def test_other_buckets_are_not_even_asked(url: str) -> None:
    with pytest.raises(BadRequest, match="not read from that bucket"):
        ImageSource(Fetcher(), refuse_to_read, {"pictures"}).fetch(url)


def test_no_bucket_is_read_unless_the_operator_names_one() -> None:
    with pytest.raises(BadRequest, match="ImageBucketName"):
        ImageSource(Fetcher(), refuse_to_read, ()).fetch("s3://pictures/a/b.png")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("k" * 1025, id="too long"),
        pytest.param("\u00e4" * 513, id="too long in UTF-8"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("line\nbreak", id="line break"),
    ],
)
def test_a_key_that_s3_would_answer_with_an_error_of_its_own_is_not_asked_for(key: str) -> None:
    with pytest.raises(BadRequest, match="no such image"):
        ImageSource(Fetcher(), refuse_to_read, {"pictures"}).fetch(f"s3://pictures/{key}")
