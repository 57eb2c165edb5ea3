"""Function URLs and HTTP APIs in templates, and the parts of them that are refused."""

import pytest

from emulator.errors import EmulatorError
from tests.support.emulator.echo_stack import CODE, ECHO, api, operation, url
from tests.support.emulator.templates import bare, write


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        pytest.param(
            api(**{"/a": {"post": operation("JWT")}}),
            "POST /a: the emulator authorizes by AWS_IAM or NONE, not by JWT",
            id="JWT",
        ),
        pytest.param(
            api(**{"/a": {"post": operation("NONE", type="http_proxy")}}),
            "aws_proxy with payloadFormatVersion 2.0 only",
            id="HTTP proxy",
        ),
        pytest.param(
            api(**{"/a": {"post": operation("NONE", payloadFormatVersion="1.0")}}),
            "payloadFormatVersion 2.0 only",
            id="payload format 1.0",
        ),
        pytest.param(
            api(**{"/a": {"post": {**operation("NONE"), "security": []}}}),
            "POST /a: the emulator does not know security",
            id="security",
        ),
        pytest.param(url("NONE", Cors={"AllowOrigins": ["*"]}), "CORS of a function URL", id="CORS"),
    ],
)
def test_what_would_not_be_as_on_aws_is_refused_at_deployment(aws, tmp_path, resource, message):
    with pytest.raises(EmulatorError, match=message):
        aws.deploy(write(tmp_path, bare(Echo=ECHO, Thing=resource), code=CODE), stack_name="refused")
