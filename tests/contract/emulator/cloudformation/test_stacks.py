"""From a SAM application to resources that can be used, and again."""

import json

import pytest

from emulator.errors import EmulatorError
from tests.support.emulator.machines import output_of
from tests.support.emulator.templates import ECHO, bare, template, write


def function_of(aws, stack):
    return aws.client("lambda").get_function_configuration(FunctionName=f"{stack}-echo")


@pytest.fixture(scope="module")
def app(aws, tmp_path_factory):
    """A deployed application: its folder and its outputs."""
    folder = tmp_path_factory.mktemp("app")
    return folder, aws.deploy(write(folder), stack_name="app")


def test_a_stack_is_usable_when_it_is_deployed(aws, app):
    _, outputs = app
    assert outputs == {
        "EchoArn": "arn:aws:lambda:us-east-1:123456789012:function:app-echo",
        "LiveArn": "arn:aws:lambda:us-east-1:123456789012:function:app-echo:live",
        "MachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:app-machine",
        "Bucket": "app-files-123456789012",
    }
    assert output_of(aws, outputs["MachineArn"], {"a": 1}) == {"echo": {"a": 1}, "version": "$LATEST"}
    answer = aws.client("lambda").invoke(FunctionName=outputs["LiveArn"], Payload=b"{}")
    assert json.load(answer["Payload"])["version"] == "1"
    assert aws.client("s3").get_bucket_versioning(Bucket=outputs["Bucket"])["Status"] == "Enabled"
    assert function_of(aws, "app")["MemorySize"] == 256


def test_plain_aws_clients_find_the_outputs(aws, app):
    _, outputs = app
    [stack] = aws.client("cloudformation").describe_stacks(StackName="app")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]} == outputs
    assert "the function" in {item.get("Description") for item in stack["Outputs"]}


def test_an_unchanged_stack_is_not_touched(aws, app):
    folder, outputs = app
    client = aws.client("lambda")
    client.update_function_configuration(FunctionName="app-echo", Description="by somebody else")
    before = function_of(aws, "app")["RevisionId"]
    assert aws.deploy(folder / "template.yaml", stack_name="app") == outputs
    assert function_of(aws, "app")["RevisionId"] == before
    versions = client.list_versions_by_function(FunctionName="app-echo")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_new_code_leaves_an_alias_where_somebody_moved_it(aws, tmp_path):
    aws.deploy(write(tmp_path), stack_name="moving")
    client = aws.client("lambda")
    aws.deploy(write(tmp_path, code=ECHO + "# two\n"), stack_name="moving")
    second = client.publish_version(FunctionName="moving-echo")["Version"]
    client.update_alias(
        FunctionName="moving-echo",
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {second: 0.25}},
    )
    aws.deploy(write(tmp_path, code=ECHO + "# three\n"), stack_name="moving")
    alias = client.get_alias(FunctionName="moving-echo", Name="live")
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {second: 0.25}}
    assert alias["FunctionVersion"] == "1"


def test_what_changed_is_updated(aws, tmp_path):
    aws.deploy(write(tmp_path), stack_name="changing")
    louder = "def handler(event, context):\n    return 'loud'\n"
    machine = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": 7, "End": True}}}
    outputs = aws.deploy(
        write(tmp_path, code=louder, machine=machine),
        stack_name="changing",
        parameters={"Size": "512", "Mode": "loud"},
    )
    assert outputs["OnlyLoud"] == "!"
    assert function_of(aws, "changing")["MemorySize"] == 512
    answer = aws.client("lambda").invoke(FunctionName="changing-echo", Payload=b"{}")
    assert json.load(answer["Payload"]) == "loud"
    assert output_of(aws, outputs["MachineArn"]) == 7
    [stack] = aws.client("cloudformation").describe_stacks(StackName="changing")["Stacks"]
    assert {"OutputKey": "OnlyLoud", "OutputValue": "!"}.items() <= stack["Outputs"][-1].items()


def test_a_changed_layer_reaches_its_functions(aws, tmp_path):
    code = "import shared\n\ndef handler(event, context):\n    return shared.NAME\n"
    aws.deploy(write(tmp_path, code=code), stack_name="relayered")
    aws.deploy(write(tmp_path, code=code, shared="NAME = 'newer'\n"), stack_name="relayered")
    answer = aws.client("lambda").invoke(FunctionName="relayered-echo", Payload=b"{}")
    assert json.load(answer["Payload"]) == "newer"


def test_several_stacks_live_side_by_side(aws, app, tmp_path):
    outputs = aws.deploy(write(tmp_path), stack_name="other")
    assert outputs["Bucket"] == "other-files-123456789012"
    assert {"app", "other"} <= {s["StackName"] for s in aws.client("cloudformation").describe_stacks()["Stacks"]}


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        pytest.param(
            {"Type": "AWS::Neptune::Graph"},
            "Odd: the emulator does not know the type AWS::Neptune::Graph",
            id="unknown type",
        ),
        pytest.param(
            {"Type": "AWS::SNS::Topic", "Properties": {"ArchivePolicy": {}}},
            "Odd: the emulator would lose the property ArchivePolicy of AWS::SNS::Topic in silence",
            id="unknown property",
        ),
        pytest.param(
            {"Type": "AWS::SNS::Topic", "CreationPolicy": {}},
            "Odd: the emulator does not know the attribute CreationPolicy",
            id="unknown attribute",
        ),
        pytest.param(
            {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::ImportValue": "x"}}},
            "does not know Fn::ImportValue",
            id="unknown function",
        ),
        pytest.param(
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Nowhere"}}},
            "refers to Nowhere",
            id="reference to nothing",
        ),
        pytest.param(
            {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": {"QueueConfigurations": []}}},
            "Odd .AWS::S3::Bucket.: ValueError: the emulator sends a bucket's events to EventBridge only",
            id="queue of a bucket",
        ),
        pytest.param(
            {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S", "Colour": "red"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                },
            },
            'Unknown parameter in AttributeDefinitions.0.: "Colour"',
            id="wrong definition of an attribute",
        ),
        pytest.param(
            {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "ScheduleExpression": "cron(0 9 * * ? *)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
                        "RoleArn": "arn:aws:iam::123456789012:role/r",
                    },
                },
            },
            "does not fire cron",
            id="cron schedule",
        ),
    ],
)
def test_what_cannot_be_made_is_named(aws, tmp_path, resource, message):
    with pytest.raises(EmulatorError, match=message):
        aws.deploy(write(tmp_path, bare(Odd=resource)), stack_name="odd")


def test_nothing_is_made_when_a_type_is_unknown(aws, tmp_path):
    with pytest.raises(EmulatorError, match="does not know the type"):
        aws.deploy(
            write(
                tmp_path,
                bare(
                    Topic={"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "early"}}, Odd={"Type": "AWS::X::Y"}
                ),
            ),
            stack_name="half",
        )
    assert not [t for t in aws.client("sns").list_topics()["Topics"] if t["TopicArn"].endswith(":early")]


def test_what_cannot_be_updated_says_so(aws, tmp_path):
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "a"}}
    aws.deploy(write(tmp_path, bare(Topic=topic)), stack_name="fixed")
    topic["Properties"]["DisplayName"] = "b"
    with pytest.raises(
        EmulatorError, match=r"Topic: the emulator cannot update AWS::SNS::Topic \(DisplayName changed\)"
    ):
        aws.deploy(write(tmp_path, bare(Topic=topic)), stack_name="fixed")


def test_a_circle_is_named(aws, tmp_path):
    one = {"Type": "AWS::SNS::Topic", "DependsOn": "Two"}
    two = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "One"}}}
    with pytest.raises(EmulatorError, match=r"One → Two → One"):
        aws.deploy(write(tmp_path, bare(One=one, Two=two)), stack_name="circle")


def test_missing_code_and_missing_substitutions_are_named(aws, tmp_path):
    path = write(tmp_path, template())
    (tmp_path / "echo" / "app.py").unlink()
    (tmp_path / "echo").rmdir()
    with pytest.raises(EmulatorError, match=r"Echo.CodeUri: .*echo does not exist"):
        aws.deploy(path, stack_name="missing")
    machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Nobody}", "End": True}}}
    with pytest.raises(EmulatorError, match=r"definition has .{Nobody}"):
        aws.deploy(write(tmp_path, machine=machine), stack_name="missing")


def test_a_function_that_cannot_start_its_snapshot_fails_the_deployment(aws, tmp_path):
    made = template()
    made["Resources"]["Echo"]["Properties"]["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    for _ in range(2):  # nor is it a success the second time, when nothing is left to make
        with pytest.raises(EmulatorError, match="First"):
            aws.deploy(write(tmp_path, made, code="raise RuntimeError('no')\n"), stack_name="broken")
