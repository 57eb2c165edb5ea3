"""Parameters, and the rules of a template that check them together."""

import pytest

from emulator.errors import EmulatorError
from tests.support.emulator.templates import bare, write


def test_parameters_that_the_templates_rules_do_not_allow_are_refused(aws, tmp_path):
    rules = {
        "Named": {
            "RuleCondition": {"Fn::Equals": [{"Ref": "Kind"}, "special"]},
            "Assertions": [
                {"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]}, "AssertDescription": "it needs a name"}
            ],
        }
    }
    parameters = {"Kind": {"Type": "String", "Default": "plain"}, "Name": {"Type": "String", "Default": ""}}
    content = bare(Queue={"Type": "AWS::SQS::Queue"}) | {"Parameters": parameters, "Rules": rules}
    template = write(tmp_path, content)

    aws.deploy(template, stack_name="ruled")
    aws.deploy(template, stack_name="ruled", parameters={"Kind": "special", "Name": "given"})
    with pytest.raises(EmulatorError, match="the template's rule Named: it needs a name"):
        aws.deploy(template, stack_name="ruled", parameters={"Kind": "special"})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param(
            {"Mode": "shrill"}, "parameter Mode is 'shrill': allowed are quiet, loud", id="value that is not allowed"
        ),
        pytest.param({"Size": "64"}, "parameter Size is 64: it must be between 128 and 1024", id="too small"),
        pytest.param({"Size": "big"}, "it must be a number", id="no number"),
        pytest.param({"Colour": "red"}, "no parameter Colour: it has Mode, Size", id="unknown parameter"),
    ],
)
def test_wrong_parameters_are_refused(aws, tmp_path, parameters, message):
    with pytest.raises(EmulatorError, match=message):
        aws.deploy(write(tmp_path), stack_name="wrong", parameters=parameters)
