"""template.yaml is one that CloudFormation takes, and holds what it promises."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from tests.support.definitions.template import TEMPLATE, load_template

INFERENCE_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-inference"


class NoManagedPolicies:
    """What SAM asks for the ARNs of managed policies by name; the template names none."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def translated() -> dict[str, Any]:
    template = json.loads(json.dumps(load_template()))
    for resource in template["Resources"].values():  # SAM wants packaged code
        for field in ("CodeUri", "ContentUri", "DefinitionUri"):
            if field in resource.get("Properties", {}):
                resource["Properties"][field] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return transform(template, {}, NoManagedPolicies())


def of_type(translated: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: item for name, item in translated["Resources"].items() if item["Type"] == kind}


def test_cfn_lint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, TEMPLATE], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_its_outputs_have_the_names_that_clients_look_for() -> None:
    assert set(load_template()["Outputs"]) >= {
        "PublishStateMachineArn",
        "RetrainStateMachineArn",
        "InferenceFunctionName",
        "LiveAliasArn",
        "CheckpointsBucketName",
        "ArtifactsBucketName",
    }


def test_each_function_has_a_role_of_its_own(translated: dict[str, Any]) -> None:
    functions = of_type(translated, "AWS::Lambda::Function")
    roles = [item["Properties"]["Role"]["Fn::GetAtt"][0] for item in functions.values()]

    assert len(functions) == 10  # two of them serve, in one lane each
    assert len(set(roles)) == len(roles)


def test_no_statement_allows_everything(translated: dict[str, Any]) -> None:
    """A `*` resource stands only where AWS knows no resources for the actions."""
    without_resources = ("logs:", "xray:", "cloudwatch:GetMetricData")
    documents = [
        policy["PolicyDocument"]
        for role in of_type(translated, "AWS::IAM::Role").values()
        for policy in role["Properties"].get("Policies", [])
    ] + [policy["Properties"]["PolicyDocument"] for policy in of_type(translated, "AWS::IAM::ManagedPolicy").values()]
    statements = [statement for document in documents for statement in document["Statement"] if "Effect" in statement]
    actions = [(action, item) for item in statements for action in _as_list(item["Action"])]

    assert len(statements) > 20
    assert [action for action, _ in actions if action.endswith("*")] == []
    assert [a for a, item in actions if item["Resource"] == "*" and not a.startswith(without_resources)] == []


def test_only_versions_can_be_deleted_never_the_function(translated: dict[str, Any]) -> None:
    for role in of_type(translated, "AWS::IAM::Role").values():
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if "lambda:DeleteFunction" in _as_list(statement.get("Action", [])):
                    assert statement["Resource"] == {"Fn::Sub": f"{INFERENCE_ARN}:*"}


def test_the_inference_function_writes_results_and_nothing_else(translated: dict[str, Any]) -> None:
    document = translated["Resources"]["InferencePolicy"]["Properties"]["PolicyDocument"]
    statements = [item for item in document["Statement"] if "Effect" in item]
    writing = [item for item in statements if set(_as_list(item["Action"])) - {"s3:GetObject"}]

    assert writing == [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": {"Fn::Sub": "${ResultsBucket.Arn}/*"}}]
    for function in ("InferenceFunction", "InferenceImageFunction"):
        role = translated["Resources"][f"{function}Role"]["Properties"]
        assert "Policies" not in role
        assert {"Ref": "InferencePolicy"} in role["ManagedPolicyArns"]


IMPLIED = {  # what a call needs beyond, or instead of, the permission that has its name
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "lambda:UpdateFunctionCode": {"lambda:UpdateFunctionCode", "s3:GetObject"},
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"},
    "states:StartExecution": {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"},
}


@pytest.mark.parametrize("machine", ["PublishStateMachine", "RetrainStateMachine"])
def test_a_state_machine_may_make_exactly_the_calls_that_its_states_make(
    translated: dict[str, Any], machine: str
) -> None:
    definition = TEMPLATE.parent / load_template()["Resources"][machine]["Properties"]["DefinitionUri"]
    needed: set[str] = set()
    for state in json.loads(definition.read_text())["States"].values():
        if state["Type"] == "Task":
            service, action = state["Resource"].removesuffix(".sync:2").split(":")[-2:]
            call = f"{service.replace('sfn', 'states')}:{action[0].upper()}{action[1:]}"
            needed |= IMPLIED.get(call, {call})

    (policy,) = translated["Resources"][f"{machine}Role"]["Properties"]["Policies"]
    allowed = {
        action for statement in policy["PolicyDocument"]["Statement"] for action in _as_list(statement["Action"])
    }

    rule_of_nested_executions = {"events:PutTargets", "events:PutRule", "events:DescribeRule"}
    assert allowed - rule_of_nested_executions == needed


def test_log_groups_are_there_before_anything_can_write_to_them() -> None:
    """A version's snapshot runs the function's init: Lambda would make the group itself, and CloudFormation fail."""
    assert load_template()["Resources"]["InferenceBootstrapVersion"]["DependsOn"] == "InferenceLogs"


@pytest.mark.parametrize("bucket", ["CheckpointsBucket", "ArtifactsBucket", "ResultsBucket"])
def test_buckets_are_versioned_encrypted_private_and_tls_only(bucket: str) -> None:
    resources = load_template()["Resources"]
    properties = resources[bucket]["Properties"]
    (statement,) = resources[f"{bucket}Policy"]["Properties"]["PolicyDocument"]["Statement"]

    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["BucketEncryption"]
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_nothing_that_could_move_traffic_changes_with_a_deployment(translated: dict[str, Any]) -> None:
    """CloudFormation touches the alias only when its own properties change, so these depend on nothing that does."""
    version = translated["Resources"]["InferenceBootstrapVersion"]["Properties"]
    alias = translated["Resources"]["LiveAlias"]["Properties"]

    assert set(of_type(translated, "AWS::Lambda::Version")) == {"InferenceBootstrapVersion"}
    # A lane is for good, so this is the same function with each deployment.
    function = {"Fn::If": ["ImageLane", {"Ref": "InferenceImageFunction"}, {"Ref": "InferenceFunction"}]}
    assert version == {"FunctionName": function, "Description": version["Description"]}
    assert alias["FunctionVersion"] == {"Fn::GetAtt": ["InferenceBootstrapVersion", "Version"]}
    assert "RoutingConfig" not in alias


def test_the_inference_function_takes_snapshots_on_the_newest_supported_python(translated: dict[str, Any]) -> None:
    properties = translated["Resources"]["InferenceFunction"]["Properties"]

    assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert properties["Runtime"] == "python3.13"


def test_retraining_by_schedule_is_off_until_it_is_switched_on(translated: dict[str, Any]) -> None:
    (schedule,) = of_type(translated, "AWS::Scheduler::Schedule").values()

    assert schedule["Properties"]["State"] == {"Ref": "RetrainScheduleState"}
    assert load_template()["Parameters"]["RetrainScheduleState"]["Default"] == "DISABLED"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
