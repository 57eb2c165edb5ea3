"""Code and layers: read from where the request says, of a size that Lambda takes, and given back as they came."""

import hashlib
import io
import os
import urllib.request
import zipfile
from base64 import b64encode

import pytest

from emulator.lambda_.control import code
from tests.support.emulator.lambda_functions import zip_of

ANSWER = "def handler(event, context): return {!r}"


@pytest.fixture(scope="module")
def bucket(functions) -> str:
    s3 = functions.aws("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    return "code"


def zeros(megabytes: int) -> bytes:
    """A small zip of a large file."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros", "w") as file,
    ):
        for _ in range(megabytes):
            file.write(bytes(1024 * 1024))
    return buffer.getvalue()


def test_the_code_can_be_downloaded_as_it_was_uploaded(functions):
    code = zip_of(ANSWER.format("here"))
    name = functions.create(Code={"ZipFile": code})

    found = functions.client.get_function(FunctionName=name)

    with urllib.request.urlopen(found["Code"]["Location"]) as download:  # noqa: S310 - the emulator's own
        assert download.read() == code
    assert found["Configuration"]["CodeSha256"] == b64encode(hashlib.sha256(code).digest()).decode()
    assert found["Configuration"]["CodeSize"] == len(code)


def test_downloads_are_not_in_the_users_account(functions, bucket):
    name = functions.create()

    functions.client.get_function(FunctionName=name)

    assert [each["Name"] for each in functions.aws("s3").list_buckets()["Buckets"]] == [bucket]


def test_an_object_version_is_honoured(functions, bucket):
    s3 = functions.aws("s3")
    old = s3.put_object(Bucket=bucket, Key="f.zip", Body=zip_of(ANSWER.format("old")))["VersionId"]
    s3.put_object(Bucket=bucket, Key="f.zip", Body=zip_of(ANSWER.format("new")))
    name = functions.create(Code={"S3Bucket": bucket, "S3Key": "f.zip", "S3ObjectVersion": old})
    assert functions.call(name) == "old"

    functions.client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="f.zip")
    functions.updated(name)
    assert functions.call(name) == "new"

    functions.client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="f.zip", S3ObjectVersion=old)
    functions.updated(name)
    assert functions.call(name) == "old"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"S3Bucket": "code", "S3Key": "missing.zip"}, "NoSuchKey"),
        ({"S3Bucket": "nowhere", "S3Key": "f.zip"}, "NoSuchBucket"),
        ({"S3Bucket": "code", "S3Key": "f.zip", "S3ObjectVersion": "no-such-version"}, "NoSuchVersion"),
        ({"ZipFile": b"no zip"}, "Could not unzip uploaded file"),
        ({"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/f:1"}, "container images"),
    ],
    ids=["key", "bucket", "version", "no zip", "image"],
)
def test_code_that_cannot_be_had_changes_nothing(functions, bucket, where, message):
    functions.aws("s3").put_object(Bucket=bucket, Key="f.zip", Body=zip_of(ANSWER.format("there")))
    name = functions.create(ANSWER.format("before"))

    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match=message):
        functions.client.update_function_code(FunctionName=name, **where)
    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match=message):
        functions.create(Code=where)

    assert functions.client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful"
    assert functions.call(name) == "before"


def test_a_dry_run_of_an_update_changes_nothing(functions):
    name = functions.create(ANSWER.format("before"))
    code = zip_of(ANSWER.format("after"))

    planned = functions.client.update_function_code(FunctionName=name, ZipFile=code, DryRun=True)

    assert planned["CodeSha256"] == b64encode(hashlib.sha256(code).digest()).decode()
    assert functions.call(name) == "before"


def test_layers_are_importable_after_the_functions_own_code(functions):
    def layer(name: str, **modules: str) -> str:
        data = zip_of("", **{f"python/{module}": text for module, text in modules.items()})
        return functions.client.publish_layer_version(LayerName=name, Content={"ZipFile": data})["LayerVersionArn"]

    name = functions.create(
        Code={
            "ZipFile": zip_of(
                "import first, second, own\ndef handler(event, context): return [first.NAME, second.NAME, own.NAME]",
                own="NAME = 'own'",
            )
        },
        Layers=[
            layer("one", first="NAME = 'one'", own="NAME = 'one'"),
            layer("two", first="NAME = 'two'", second="NAME = 'two'"),
        ],
    )

    assert functions.call(name) == ["one", "two", "own"]


def test_code_and_layers_have_to_fit_unzipped(functions):
    large = functions.client.publish_layer_version(LayerName="large", Content={"ZipFile": zeros(200)})
    name = functions.create(Layers=[large["LayerVersionArn"]])

    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match="262144000 bytes"):
        functions.client.update_function_code(FunctionName=name, ZipFile=zeros(50))
    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match="262144000 bytes"):
        functions.create(Code={"ZipFile": zeros(250)})


def test_a_layer_from_a_missing_key_is_refused(functions, bucket):
    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match="NoSuchKey"):
        functions.client.publish_layer_version(LayerName="none", Content={"S3Bucket": bucket, "S3Key": "none.zip"})


def test_a_layer_alone_has_to_fit_unzipped(functions):
    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match="262144000 bytes"):
        functions.client.publish_layer_version(LayerName="huge", Content={"ZipFile": zeros(250)})


def test_a_function_has_five_layers_at_most(functions):
    small = functions.client.publish_layer_version(LayerName="small", Content={"ZipFile": zip_of("")})
    layers = [
        functions.client.publish_layer_version(LayerName=f"small-{number}", Content={"ZipFile": zip_of("")})
        for number in range(5)
    ]
    name = functions.create(Layers=[layer["LayerVersionArn"] for layer in layers])

    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match="more than 5 layers"):
        functions.client.update_function_configuration(
            FunctionName=name, Layers=[layer["LayerVersionArn"] for layer in (small, *layers)]
        )


def test_a_zip_that_is_too_large_for_a_request_comes_by_way_of_s3(functions, bucket, monkeypatch):
    assert code.DIRECT_LIMIT * 3 // 4 > 50 * 1024 * 1024
    monkeypatch.setattr(code, "DIRECT_LIMIT", 100_000)
    data = zip_of("def handler(event, context): return 'large'", random=repr(os.urandom(100_000)))

    with pytest.raises(functions.client.exceptions.ClientError, match="RequestEntityTooLarge") as refused:
        functions.create(Code={"ZipFile": data})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413

    functions.aws("s3").put_object(Bucket=bucket, Key="large.zip", Body=data)
    assert functions.call(functions.create(Code={"S3Bucket": bucket, "S3Key": "large.zip"})) == "large"
