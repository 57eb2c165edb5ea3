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
        ({"Ref": "Mode"}, "loud"),
        ({"Fn::GetAtt": ["Thing", "Arn"]}, "<Thing.Arn>"),
        ({"Fn::GetAtt": "Thing.Nested.Arn"}, "<Thing.Nested.Arn>"),
        ({"Fn::Sub": "${Mode}/${Thing.Arn}/${!Literal}"}, "loud/<Thing.Arn>/${Literal}"),
        ({"Fn::Sub": ["${own}-${Number}", {"own": {"Ref": "Mode"}}]}, "loud-5"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Number"}]]}, "a-5"),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, 128),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2]}, {"b": [2]}),
        # A statement of a policy has a Condition too, and it is none of the template's.
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::ToJsonString": {"a": {"Ref": "Number"}}}, '{"a":5}'),
    ],
)
def test_functions(written, value):
    assert resolve(written) == value


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"Fn::ImportValue": "x"}, "does not know Fn::ImportValue"),
        ({"Fn::If": ["Never", 1, 2]}, "no condition Never"),
        ({"Fn::FindInMap": ["Sizes", "eu-west-1", "small"]}, "no Sizes.eu-west-1.small"),
    ],
)
def test_what_is_not_there_is_named(written, message):
    with pytest.raises(EmulatorError, match=message):
        resolve(written)
