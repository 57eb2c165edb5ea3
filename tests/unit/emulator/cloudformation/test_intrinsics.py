"""A property as written → its value."""

import pytest

from emulator.cloudformation.intrinsics import NO_VALUE, IntrinsicResolver
from emulator.errors import EmulatorError

TEMPLATE = {
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Mode"}, "loud"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
    },
    "Mappings": {"Sizes": {"us-east-1": {"small": 128}}},
}
VALUES = {"Mode": "loud", "AWS::Region": "us-east-1", "AWS::NoValue": NO_VALUE, "Number": 5}


def resolve(value):
    resolver = IntrinsicResolver(
        TEMPLATE, ref=VALUES.__getitem__, attribute=lambda name, attribute: f"<{name}.{attribute}>"
    )
    return resolver.resolve(value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param({"Ref": "Mode"}, "loud", id="Ref"),
        pytest.param({"Fn::GetAtt": ["Thing", "Arn"]}, "<Thing.Arn>", id="GetAtt of a list"),
        pytest.param({"Fn::GetAtt": "Thing.Nested.Arn"}, "<Thing.Nested.Arn>", id="GetAtt of a text"),
        pytest.param({"Fn::Sub": "${Mode}/${Thing.Arn}/${!Literal}"}, "loud/<Thing.Arn>/${Literal}", id="Sub"),
        pytest.param({"Fn::Sub": ["${own}-${Number}", {"own": {"Ref": "Mode"}}]}, "loud-5", id="Sub with variables"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "Number"}]]}, "a-5", id="Join"),
        pytest.param({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b/c"]}]}, "b", id="Select of Split"),
        pytest.param({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, 128, id="FindInMap"),
        pytest.param({"Fn::If": ["Yes", 1, 2]}, 1, id="If yes"),
        pytest.param({"Fn::If": ["No", 1, 2]}, 2, id="If no"),
        pytest.param({"Fn::If": ["Both", 1, 2]}, 2, id="If both"),
        pytest.param({"Fn::If": ["Either", 1, 2]}, 1, id="If either"),
        pytest.param(
            {"a": {"Ref": "AWS::NoValue"}, "b": [{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2]},
            {"b": [2]},
            id="NoValue",
        ),
        # A statement of a policy has a Condition too, and it is none of the template's.
        pytest.param(
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            id="Condition of a policy",
        ),
        pytest.param({"Fn::Base64": "a"}, "YQ==", id="Base64"),
        pytest.param({"Fn::ToJsonString": {"a": {"Ref": "Number"}}}, '{"a":5}', id="ToJsonString"),
    ],
)
def test_functions(written, value):
    assert resolve(written) == value


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param({"Fn::ImportValue": "x"}, "does not know Fn::ImportValue", id="function"),
        pytest.param({"Fn::If": ["Never", 1, 2]}, "no condition Never", id="condition"),
        pytest.param(
            {"Fn::FindInMap": ["Sizes", "eu-west-1", "small"]}, "no Sizes.eu-west-1.small", id="place in a map"
        ),
    ],
)
def test_what_is_not_there_is_named(written, message):
    with pytest.raises(EmulatorError, match=message):
        resolve(written)
