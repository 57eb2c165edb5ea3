"""One contract for the object store: S3 on the emulator, and the fake that unit tests use."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from model_tools.aws.faults import for_workflow
from model_tools.aws.objects import ObjectStore, split_uri
from model_tools.errors import ModelNotFound, ServiceUnavailable
from tests.support.fakes.object_store import FakeObjectStore

Put = Callable[[str, bytes], None]


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s")
        client.create_bucket(Bucket="bucket")
        client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture(params=["s3", "fake"])
def stored(request: pytest.FixtureRequest, s3: Any) -> tuple[Any, Put]:
    """Return a store, and a way to put an object into it."""
    if request.param == "fake":
        fake = FakeObjectStore()
        return fake, fake.put

    def put(uri: str, data: bytes) -> None:
        bucket, key = split_uri(uri)
        s3.put_object(Bucket=bucket, Key=key, Body=data)

    return ObjectStore(s3, errors=for_workflow), put


def test_an_older_version_can_still_be_read_after_a_newer_one_came(stored: tuple[Any, Put], tmp_path: Path) -> None:
    store, put = stored
    put("s3://bucket/a/model.pt", b"old")
    seen = store.look_up("s3://bucket/a/model.pt")
    put("s3://bucket/a/model.pt", b"newer")

    assert (seen.uri, seen.size) == ("s3://bucket/a/model.pt", 3)
    assert store.read(seen.uri, max_bytes=10, version_id=seen.version_id) == b"old"
    store.download(seen.uri, tmp_path / "model.pt", version_id=seen.version_id)
    assert (tmp_path / "model.pt").read_bytes() == b"old"
    with store.open(seen.uri) as stream:
        assert stream.read(5) == b"newer"
    assert store.look_up(seen.uri).etag != seen.etag


def test_equal_contents_have_equal_etags(stored: tuple[Any, Put]) -> None:
    store, put = stored
    put("s3://bucket/a", b"same")
    put("s3://bucket/b", b"same")

    assert store.look_up("s3://bucket/a").etag == store.look_up("s3://bucket/b").etag


def test_only_what_is_below_a_prefix_is_listed(stored: tuple[Any, Put]) -> None:
    store, put = stored
    for key in ("a/1", "a/b/2", "ab/3"):
        put(f"s3://bucket/{key}", b"")

    assert list(store.list_keys("s3://bucket/a/")) == ["s3://bucket/a/1", "s3://bucket/a/b/2"]


def test_what_is_missing_or_too_large_is_a_model_not_found(stored: tuple[Any, Put], tmp_path: Path) -> None:
    store, put = stored
    put("s3://bucket/large", b"x" * 11)

    with pytest.raises(ModelNotFound):
        store.look_up("s3://bucket/none")
    with pytest.raises(ModelNotFound):
        store.open("s3://bucket/none")
    with pytest.raises(ModelNotFound):
        store.download("s3://bucket/none", tmp_path / "none")
    with pytest.raises(ModelNotFound):
        store.read("s3://bucket/large", max_bytes=10)


def test_a_bucket_that_keeps_no_versions_cannot_be_pinned(s3: Any) -> None:
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="model.pt", Body=b"x")

    with pytest.raises(ModelNotFound, match="Bucket plain keeps no versions"):
        ObjectStore(s3, errors=for_workflow).look_up("s3://plain/model.pt")


def test_a_bucket_that_is_not_there_is_told_as_such(s3: Any) -> None:
    with pytest.raises(ModelNotFound, match="s3://nowhere/folder/"):
        list(ObjectStore(s3, errors=for_workflow).list_keys("s3://nowhere/folder/"))


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("", id="empty"),
        pytest.param("bucket/key", id="no scheme"),
        pytest.param("http://bucket/key", id="another scheme"),
        pytest.param("s3://bucket", id="no key"),
        pytest.param("s3:///key", id="no bucket"),
    ],
)
def test_what_is_no_s3_uri_is_refused(uri: str) -> None:
    with pytest.raises(ModelNotFound, match="not of the form s3://bucket/key"):
        split_uri(uri)


def test_a_folder_goes_up_with_its_last_file_last_and_comes_down_whole(s3: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "samples").mkdir(parents=True)
    for name in ("publish.yaml", "zoo.py", "samples/one.json"):
        (source / name).write_text(name)
    store = ObjectStore(s3, errors=for_workflow)
    uploaded: list[str] = []
    s3.meta.events.register("provide-client-params.s3.PutObject", lambda params, **_: uploaded.append(params["Key"]))

    store.upload_folder(source, "s3://bucket/home/", last="publish.yaml")
    store.download_folder("s3://bucket/home", tmp_path / "copy")

    assert uploaded == ["home/samples/one.json", "home/zoo.py", "home/publish.yaml"]
    assert (tmp_path / "copy" / "samples" / "one.json").read_text() == "samples/one.json"
    with pytest.raises(ModelNotFound, match="There is nothing at"):
        store.download_folder("s3://bucket/empty", tmp_path / "none")


def test_an_object_that_would_leave_the_folder_is_refused(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="bucket", Key="evil/../../passwd", Body=b"x")

    with pytest.raises(ModelNotFound, match="outside its folder"):
        ObjectStore(s3, errors=for_workflow).download_folder("s3://bucket/evil", tmp_path / "folder")


@pytest.mark.parametrize(("code", "raised"), [("SlowDown", ServiceUnavailable), ("AccessDenied", ClientError)])
def test_an_upload_fails_by_what_s3_said(s3: Any, tmp_path: Path, code: str, raised: type[Exception]) -> None:
    (tmp_path / "file").write_bytes(b"x")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code}}, "PutObject")

    s3.meta.events.register("before-call.s3.PutObject", refuse)

    with pytest.raises(raised, match=code):
        ObjectStore(s3, errors=for_workflow).upload(tmp_path / "file", "s3://bucket/key")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("Screenshot at 9.41.00\u202fAM.png", id="narrow no-break space"),
        pytest.param("no-break\u00a0space", id="no-break space"),
        pytest.param(" blanks around ", id="blanks around"),
        pytest.param("tab\tand line\nbreak", id="tab and line break"),
        pytest.param("a+b%20c", id="plus and per cent"),
        pytest.param("../../up.png", id="dots in front"),
        pytest.param("a/./b/../c", id="dots within"),
        pytest.param("//two//slashes", id="two slashes"),
        pytest.param("/slash first", id="slash first"),
        pytest.param("question?mark#hash&and=equals", id="signs of a URL"),
        pytest.param("e\u0301 \u00e9 \U0001f600 \u200b", id="accents in both forms and an emoji"),
        pytest.param("k" * 1024, id="longest"),
    ],
)
def test_every_key_that_s3_accepts_is_taken_as_it_is(stored: tuple[Any, Put], key: str, tmp_path: Path) -> None:
    store, put = stored
    uri = f"s3://bucket/{key}"
    put(uri, key.encode())

    assert list(store.list_keys(uri)) == [uri]
    assert store.look_up(uri).size == len(key.encode())
    assert store.read(uri, max_bytes=2048) == key.encode()
    store.download(uri, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == key.encode()
