"""Runtime bundles go to a real S3 API, and the stack's pointer is written when all is there."""

import json

import boto3
import moto
import pytest

from model_tools.aws.faults import CallRefused, for_people
from model_tools.aws.objects import ObjectStore
from model_tools.aws.runtimes import RuntimeBucket
from model_tools.bundling.built import BuiltRuntime, files_in
from tests.support.runtime.bundles import pack_files

BUCKET = "artifacts"


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with moto.mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def built(tmp_path):
    bundle = pack_files({"torch/__init__.py": b"one"})
    reference = bundle.reference.model_copy(update={"uri": f"runtimes/{bundle.reference.sha256}.tar.zst"})
    files = files_in(tmp_path, reference.sha256)
    for path, data in zip(files, (bundle.data, b"{}", b"{}"), strict=True):
        path.write_bytes(data)
    return BuiltRuntime(reference, *files)


def bucket_of(s3, name=BUCKET):
    return RuntimeBucket(ObjectStore(s3, errors=for_people), name)


def written_keys(s3):
    return sorted(item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))


def test_a_bundle_is_uploaded_with_its_inventory_and_made_current(s3, built):
    bucket = bucket_of(s3)
    assert bucket.current("torch") is None

    stored = bucket.publish(built)
    sha256 = built.reference.sha256

    assert stored.uri == f"s3://{BUCKET}/runtimes/{sha256}.tar.zst"
    assert bucket.current("torch") == stored
    assert bucket.current("xgboost") is None
    assert written_keys(s3) == sorted(
        [f"runtimes/{sha256}{end}" for end in (".tar.zst", ".json", ".cdx.json")] + ["runtimes/torch.json"]
    )
    assert s3.get_object(Bucket=BUCKET, Key=f"runtimes/{sha256}.tar.zst")["Body"].read() == built.bundle.read_bytes()
    assert json.loads(s3.get_object(Bucket=BUCKET, Key=f"runtimes/{sha256}.json")["Body"].read())["uri"] == stored.uri


def test_what_is_there_already_is_not_sent_again(s3, built):
    bucket = bucket_of(s3)
    assert len(bucket.missing(built)) == 2
    bucket.publish(built)

    assert bucket.missing(built) == []


def test_the_pointer_is_written_only_when_all_else_is_there(s3, built):
    built.sbom.unlink()

    with pytest.raises(CallRefused, match="cannot be read"):
        bucket_of(s3).publish(built)
    assert "runtimes/torch.json" not in written_keys(s3)


def test_a_bucket_that_is_not_there_is_told(s3, built):
    with pytest.raises(CallRefused, match="no bucket gone"):
        bucket_of(s3, "gone").publish(built)


def test_a_pointer_that_cannot_be_understood_counts_as_none(s3):
    s3.put_object(Bucket=BUCKET, Key="runtimes/torch.json", Body=b"{}")

    assert bucket_of(s3).current("torch") is None
