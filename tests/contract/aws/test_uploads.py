import hashlib
import threading

import pytest

from model_tools.aws.faults import CallRefused, for_people
from model_tools.aws.objects import PART, ObjectStore
from model_tools.aws.uploads import Etag, Upload, UploadBucket


@pytest.fixture(scope="module")
def s3(connection):
    client = connection.client("s3")
    client.create_bucket(Bucket="checkpoints")
    return client


def bucket_of(client, name: str) -> UploadBucket:
    return UploadBucket(ObjectStore(client, errors=for_people), name)


def written(path, data: bytes) -> Upload:
    path.write_bytes(data)
    etag = Etag()
    etag.update(data)
    return Upload(path, path.name, len(data), etag.value())


def test_what_is_there_with_the_same_bytes_is_not_missing(s3, tmp_path):
    uploads = [written(tmp_path / "a.txt", b"a"), written(tmp_path / "b.txt", b"b")]
    bucket = bucket_of(s3, "checkpoints")

    assert bucket.missing("again/", uploads) == uploads
    bucket.upload("again/", uploads, last="publish.yaml")
    assert bucket.missing("again/", uploads) == []
    assert bucket.missing("elsewhere/", uploads) == uploads


def test_other_bytes_of_the_same_size_are_missing(s3, tmp_path):
    bucket = bucket_of(s3, "checkpoints")
    bucket.upload("changed/", [written(tmp_path / "a.txt", b"a")], last="")
    changed = written(tmp_path / "a.txt", b"b")

    assert bucket.missing("changed/", [changed]) == [changed]


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART])
def test_the_etag_that_is_expected_is_the_one_that_s3_gives(s3, tmp_path, size):
    upload = written(tmp_path / f"size-{size}", b"x" * size)
    bucket_of(s3, "checkpoints").upload("etags/", [upload], last="")

    assert s3.head_object(Bucket="checkpoints", Key=f"etags/{upload.key}")["ETag"].strip('"') == upload.etag


def test_an_etag_does_not_depend_on_how_the_bytes_come():
    data = bytes(range(256)) * (PART // 256) + b"rest"
    whole, pieces = Etag(), Etag()
    whole.update(data)
    for start in range(0, len(data), 1_000_003):
        pieces.update(data[start : start + 1_000_003])

    assert whole.value() == pieces.value()
    parts = hashlib.md5(data[:PART]).digest() + hashlib.md5(b"rest").digest()  # noqa: S324 (S3's own)
    assert whole.value() == f"{hashlib.md5(parts).hexdigest()}-2"  # noqa: S324


class Recording:
    """S3 that notes the order in which objects are complete."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.lock = threading.Lock()

    def upload_file(self, path: str, bucket: str, key: str, **options: object) -> None:  # noqa: ARG002 (boto3's)
        with self.lock:
            self.stored.append(key)


def test_the_manifest_is_stored_when_everything_else_is(tmp_path):
    client = Recording()
    uploads = [written(tmp_path / name, b"x") for name in ("publish.yaml", *(f"file-{n}" for n in range(20)))]
    bucket_of(client, "b").upload("p/", uploads, last="publish.yaml")

    assert client.stored[-1] == "p/publish.yaml"
    assert len(client.stored) == 21


def test_progress_adds_up_to_the_bytes(s3, tmp_path):
    sent: list[int] = []
    uploads = [written(tmp_path / name, b"x" * 1000) for name in ("a", "b", "c")]
    bucket_of(s3, "checkpoints").upload("progress/", uploads, last="a", progress=sent.append)

    assert sum(sent) == 3000


def test_a_bucket_that_is_gone_says_to_deploy(s3, tmp_path):
    upload = written(tmp_path / "a", b"x")

    with pytest.raises(CallRefused, match="deploy the stack"):
        bucket_of(s3, "nowhere").upload("p/", [upload], last="")
    with pytest.raises(CallRefused, match="deploy the stack"):
        bucket_of(s3, "nowhere").missing("p/", [upload])


def test_a_file_that_vanished_is_named(s3, tmp_path):
    upload = written(tmp_path / "a", b"x")
    upload.path.unlink()

    with pytest.raises(CallRefused, match=r"uploading .*/a: "):
        bucket_of(s3, "checkpoints").upload("p/", [upload], last="")
