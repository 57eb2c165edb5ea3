"""Aliases: what they accept, whom they guard against, and how they share out traffic."""

import pytest

SOURCE = "def handler(event, context): return context.function_version + {!r}"


@pytest.fixture
def name(functions):
    """A function with versions 1 and 2."""
    name = functions.create(SOURCE.format(""))
    functions.publish(name)
    functions.update(name, SOURCE.format(" "))
    functions.publish(name)
    return name


def weights(**additional: float) -> dict:
    return {"AdditionalVersionWeights": {version.removeprefix("v"): weight for version, weight in additional.items()}}


@pytest.mark.parametrize(
    ("version", "routing"),
    [
        ("1", weights(v2=7.0)),
        ("1", weights(v1=0.5)),
        ("1", {"AdditionalVersionWeights": {"2": 0.1, "$LATEST": 0.1}}),
        ("$LATEST", weights(v2=0.1)),
        ("1", {"AdditionalVersionWeights": {"$LATEST": 0.1}}),
        ("live", {}),
    ],
    ids=["weight above 1", "same version", "two additional", "latest", "to latest", "to an alias"],
)
def test_an_alias_that_lambda_would_not_route_by_is_refused(functions, name, version, routing):
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    for refused in (functions.client.create_alias, functions.client.update_alias):
        with pytest.raises(functions.client.exceptions.InvalidParameterValueException):
            refused(
                FunctionName=name,
                Name="live" if refused == functions.client.update_alias else "other",
                FunctionVersion=version,
                RoutingConfig=routing,
            )

    assert functions.client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"


def test_an_alias_points_at_versions_that_exist(functions, name):
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    for wrong in ({"FunctionVersion": "9"}, {"FunctionVersion": "1", "RoutingConfig": weights(v9=0.5)}):
        with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
            functions.client.update_alias(FunctionName=name, Name="live", **wrong)
        with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
            functions.client.create_alias(FunctionName=name, Name="other", **wrong)


def test_both_versions_of_an_alias_have_one_role(functions, name):
    functions.client.update_function_configuration(FunctionName=name, Role=functions.role("another"))
    functions.updated(name)
    functions.publish(name)

    with pytest.raises(functions.client.exceptions.InvalidParameterValueException, match="same execution role"):
        functions.client.create_alias(
            FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights(v3=0.5)
        )


def test_an_alias_is_guarded_by_its_revision(functions, name):
    created = functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    moved = functions.client.update_alias(
        FunctionName=name, Name="live", FunctionVersion="2", RevisionId=created["RevisionId"]
    )

    with pytest.raises(functions.client.exceptions.PreconditionFailedException):
        functions.client.update_alias(
            FunctionName=name, Name="live", FunctionVersion="1", RevisionId=created["RevisionId"]
        )

    assert functions.client.get_alias(FunctionName=name, Name="live")["RevisionId"] == moved["RevisionId"]
    assert functions.call(name, Qualifier="live") == "2 "


def test_an_alias_is_made_once_and_not_with_a_versions_name(functions, name):
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    with pytest.raises(functions.client.exceptions.ResourceConflictException):
        functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="2")
    with pytest.raises(functions.client.exceptions.InvalidParameterValueException):
        functions.client.create_alias(FunctionName=name, Name="12", FunctionVersion="2")


def test_a_weight_is_changed_without_naming_the_version(functions, name):
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights(v2=0.1))

    half = functions.client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights(v2=0.5))
    assert (half["FunctionVersion"], half["RoutingConfig"]) == ("1", weights(v2=0.5))

    renamed = functions.client.update_alias(FunctionName=name, Name="live", Description="x")
    assert renamed["RoutingConfig"] == weights(v2=0.5)

    cleared = functions.client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights())
    assert not cleared.get("RoutingConfig")


def test_weights_share_out_the_traffic(functions, name):
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights(v2=1.0))
    assert {functions.call(name, Qualifier="live") for _ in range(10)} == {"2 "}

    functions.client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights(v2=0.0))
    assert {functions.call(name, Qualifier="live") for _ in range(10)} == {"1"}

    functions.client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights(v2=0.5))
    executed = {
        functions.client.invoke(FunctionName=name, Qualifier="live")["ExecutedVersion"] for _ in range(60)
    }  # one of 2**59 runs sees a single version
    assert executed == {"1", "2"}


def test_aliases_are_listed_in_pages_and_by_version(functions, name):
    for alias, version in (("a", "1"), ("b", "2"), ("c", "1")):
        functions.client.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)

    page = functions.client.list_aliases(FunctionName=name, MaxItems=2)
    rest = functions.client.list_aliases(FunctionName=name, Marker=page["NextMarker"])
    of_one = functions.client.list_aliases(FunctionName=name, FunctionVersion="1")

    assert [alias["Name"] for alias in page["Aliases"] + rest["Aliases"]] == ["a", "b", "c"]
    assert [alias["Name"] for alias in of_one["Aliases"]] == ["a", "c"]


def test_a_deleted_alias_is_gone(functions, name):
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    functions.client.delete_alias(FunctionName=name, Name="live")

    with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
        functions.client.get_alias(FunctionName=name, Name="live")
