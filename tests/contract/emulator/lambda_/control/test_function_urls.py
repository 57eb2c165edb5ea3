"""Creating, changing and deleting function URLs."""

import pytest
from botocore.exceptions import ClientError

from emulator.gateway.endpoints.function_calls import lambda_backend
from tests.support.emulator.echo_stack import CODE, ECHO, url
from tests.support.emulator.http_client import request
from tests.support.emulator.templates import bare, write


def test_a_function_has_one_url_and_each_alias_one(aws, urls):
    client = aws.client("lambda")
    latest = client.get_function_url_config(FunctionName="endpoints-echo")
    live = client.get_function_url_config(FunctionName="endpoints-echo", Qualifier="live")

    assert (latest["AuthType"], live["AuthType"]) == ("NONE", "AWS_IAM")
    assert live["FunctionArn"].endswith(":endpoints-echo:live")
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.create_function_url_config(FunctionName="endpoints-echo", AuthType="NONE")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.create_function_url_config(FunctionName="endpoints-echo", Qualifier="1", AuthType="NONE")
    with pytest.raises(ClientError, match="streamed"):
        client.update_function_url_config(FunctionName="endpoints-echo", InvokeMode="RESPONSE_STREAM")
    changed = client.update_function_url_config(FunctionName="endpoints-echo", AuthType="AWS_IAM")
    assert request(urls["LatestUrl"] + "/").status == 403
    assert changed["FunctionUrl"] == latest["FunctionUrl"]
    client.update_function_url_config(FunctionName="endpoints-echo", AuthType="NONE")


def test_a_deleted_url_is_gone_and_so_are_a_deleted_functions(aws, tmp_path):
    content = bare(Echo=ECHO, Live=url("NONE", Qualifier="live"), Latest=url("NONE"))
    aws.deploy(write(tmp_path, content, code=CODE), stack_name="gone")
    client = aws.client("lambda")
    client.delete_function_url_config(FunctionName="gone-echo")

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_url_config(FunctionName="gone-echo")
    live = client.get_function_url_config(FunctionName="gone-echo", Qualifier="live")["FunctionUrl"]
    client.delete_function(FunctionName="gone-echo")
    assert lambda_backend().function_urls.by_id(live.split("/")[2].split(".")[0]) is None
