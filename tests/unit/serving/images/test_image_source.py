import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
    ("key", "told"),
    [
        pytest.param("", "write s3://bucket/key", id="empty"),
        pytest.param("k" * 1025, "1,025 bytes in UTF-8, and S3 allows 1,024", id="too long"),
        pytest.param("\u00e4" * 513, "1,026 bytes in UTF-8, and S3 allows 1,024", id="too long in UTF-8"),
        pytest.param("\ud800", "half of a character", id="lone surrogate"),
    ],
)
def test_a_key_that_s3_does_not_accept_is_not_asked_for(key: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        ImageSource(Fetcher(), refuse_to_read, {"pictures"}).fetch(f"s3://pictures/{key}")


@settings(deadline=None)
@given(st.text(min_size=1, max_size=256))
@example("Screenshot at 9.41.00\u202fAM.png")
@example("no-break\u00a0space")
@example(" blanks around ")
@example("tab\tand line\nbreak")
@example("a+b%20c")
@example("../../up.png")
@example("//two//slashes/")
@example("/slash first")
@example("question?mark#and-hash")
@example("\u200b")
@example("e\u0301")
def test_any_other_key_is_asked_for_as_it_is(key: str) -> None:
    assert ImageSource(Fetcher(), lambda uri, _: uri.encode(), {"pictures"}).fetch(f"s3://pictures/{key}") == (
        f"s3://pictures/{key}".encode()
    )


@pytest.mark.parametrize("key", ["my%20cat.png", "my+cat.png"])
def test_a_key_that_seems_url_encoded_is_told_so(key: str) -> None:
    with pytest.raises(BadRequest, match="not URL-encoded"):
        ImageSource(Fetcher(), read_object, {"pictures"}).fetch(f"s3://pictures/{key}")
