"""Versions and revisions: guards are honoured, numbers mean one thing for ever."""

import pytest

from tests.support.emulator.lambda_functions import zip_of

SOURCE = "def handler(event, context): return {!r}"
OLD_REVISION = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def name(functions):
    return functions.create()


def revision_of(functions, name: str) -> str:
    return functions.client.get_function_configuration(FunctionName=name)["RevisionId"]


def test_a_stale_revision_changes_nothing(functions, name):
    client, current = functions.client, revision_of(functions, name)

    for guarded in (
        lambda **guard: client.update_function_code(FunctionName=name, ZipFile=zip_of(SOURCE.format(1)), **guard),
        lambda **guard: client.update_function_configuration(FunctionName=name, Description="x", **guard),
        lambda **guard: client.publish_version(FunctionName=name, **guard),
    ):
        with pytest.raises(client.exceptions.PreconditionFailedException) as error:
            guarded(RevisionId=OLD_REVISION)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412

    assert revision_of(functions, name) == current
    assert client.publish_version(FunctionName=name, RevisionId=current)["Version"] == "1"


def test_every_change_makes_a_new_revision_and_its_end_another(functions, name):
    before = revision_of(functions, name)
    answered = functions.client.update_function_configuration(FunctionName=name, Description="x")["RevisionId"]
    functions.updated(name)
    after = revision_of(functions, name)

    assert len({before, answered, after}) == 3


def test_the_code_sha_must_be_the_one_that_is_published(functions, name):
    client = functions.client
    current = client.get_function_configuration(FunctionName=name)["CodeSha256"]

    with pytest.raises(client.exceptions.InvalidParameterValueException, match="is different from current CodeSHA256"):
        client.publish_version(FunctionName=name, CodeSha256="A" * 43 + "=")

    assert client.publish_version(FunctionName=name, CodeSha256=current)["CodeSha256"] == current


def test_nothing_new_is_published_when_nothing_changed(functions, name):
    assert functions.publish(name) == "1"
    assert functions.publish(name) == "1"

    functions.client.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "1"}})
    functions.updated(name)
    assert functions.publish(name) == "2"

    functions.update(name, SOURCE.format("new"))
    assert functions.publish(name) == "3"


def test_a_version_stays_as_it_was_published(functions, name):
    functions.client.update_function_configuration(FunctionName=name, MemorySize=256, Description="first")
    functions.updated(name)
    functions.publish(name)
    functions.client.update_function_configuration(FunctionName=name, MemorySize=512)
    functions.updated(name)

    version = functions.client.get_function_configuration(FunctionName=name, Qualifier="1")

    assert (version["MemorySize"], version["Description"], version["Version"]) == (256, "first", "1")
    assert version["FunctionArn"].endswith(f":function:{name}:1")


def test_a_version_number_is_never_used_again(functions, name):
    functions.publish(name)
    functions.update(name, SOURCE.format("two"))
    functions.publish(name)

    functions.client.delete_function(FunctionName=name, Qualifier="2")

    assert functions.publish(name) == "3"
    functions.client.delete_function(FunctionName=f"{name}:1")
    functions.update(name, SOURCE.format("four"))
    assert functions.publish(name) == "4"


def test_a_version_in_use_by_an_alias_is_kept(functions, name):
    functions.publish(name)
    functions.update(name, SOURCE.format("two"))
    functions.publish(name)
    functions.client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )

    for version in "12":
        with pytest.raises(functions.client.exceptions.ResourceConflictException, match="in use by the alias"):
            functions.client.delete_function(FunctionName=name, Qualifier=version)

    functions.client.update_alias(FunctionName=name, Name="live", FunctionVersion="2", RoutingConfig={})
    functions.client.delete_function(FunctionName=name, Qualifier="1")
    assert functions.call(name, Qualifier="live") == "two"
    with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
        functions.client.get_function(FunctionName=name, Qualifier="1")


def test_latest_alone_cannot_be_deleted(functions, name):
    with pytest.raises(functions.client.exceptions.InvalidParameterValueException):
        functions.client.delete_function(FunctionName=name, Qualifier="$LATEST")


def test_versions_are_listed_in_pages_by_name_and_by_arn(functions, name):
    for number in range(3):
        functions.update(name, SOURCE.format(number))
        functions.publish(name)
    arn = functions.client.get_function_configuration(FunctionName=name)["FunctionArn"]

    for named in (name, arn):
        first = functions.client.list_versions_by_function(FunctionName=named, MaxItems=3)
        second = functions.client.list_versions_by_function(FunctionName=named, Marker=first["NextMarker"])

        assert [version["Version"] for version in first["Versions"]] == ["$LATEST", "1", "2"]
        assert [version["Version"] for version in second["Versions"]] == ["3"]
        assert "NextMarker" not in second

    with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
        functions.client.list_versions_by_function(FunctionName="nobody")


def test_all_functions_are_listed_with_all_versions(functions, name):
    functions.publish(name)

    listed = functions.client.get_paginator("list_functions").paginate(FunctionVersion="ALL")

    mine = [each["Version"] for page in listed for each in page["Functions"] if each["FunctionName"] == name]
    assert mine == ["$LATEST", "1"]


def test_configuration_changes_are_all_kept(functions, name):
    changes = {
        "MemorySize": 512,
        "Timeout": 30,
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "Active"},
        "Environment": {"Variables": {"A": "1"}},
        "Handler": "app.handler",
        "Description": "all of it",
    }
    functions.client.update_function_configuration(
        FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"}, LoggingConfig={"LogFormat": "JSON"}, **changes
    )
    functions.updated(name)

    now = functions.client.get_function_configuration(FunctionName=name)

    assert {field: now[field] for field in changes} == changes
    assert now["SnapStart"]["ApplyOn"] == "PublishedVersions"
    assert now["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{name}"}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"MemorySize": 128_000}, id="too much memory"),
        pytest.param({"Timeout": 901}, id="too long a timeout"),
        pytest.param({"Role": "arn:aws:iam::123456789012:role/nobody"}, id="unknown role"),
        pytest.param({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:none:1"]}, id="unknown layer"),
        pytest.param({"Environment": {"Variables": {"AWS_REGION": "mars-1"}}}, id="reserved variable"),
        pytest.param({"Environment": {"Variables": {"BIG": "x" * 4100}}}, id="too large an environment"),
        pytest.param({"Runtime": "nodejs22.x"}, id="unknown runtime"),
    ],
)
def test_a_wrong_configuration_is_refused_as_a_whole(functions, name, wrong):
    before = functions.client.get_function_configuration(FunctionName=name)

    with pytest.raises(functions.client.exceptions.ClientError) as error:
        functions.client.update_function_configuration(FunctionName=name, Description="changed", **wrong)

    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 404}
    after = functions.client.get_function_configuration(FunctionName=name)
    assert after["Description"] == before["Description"]
    assert after["RevisionId"] == before["RevisionId"]
