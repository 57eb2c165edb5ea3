"""Where this machine answers what has a URL on AWS."""

import pytest

from emulator.gateway.endpoints import local_url


@pytest.mark.parametrize(
    ("url", "local"),
    [
        pytest.param(
            "https://abc123.lambda-url.us-east-1.on.aws/",
            "http://abc123.lambda-url.us-east-1.localhost:4566/",
            id="function URL",
        ),
        pytest.param(
            "https://abc.execute-api.us-east-1.amazonaws.com",
            "http://abc.execute-api.us-east-1.localhost:4566/",
            id="HTTP API",
        ),
        pytest.param(
            "https://abc.execute-api.us-east-1.amazonaws.com/invocations",
            "http://abc.execute-api.us-east-1.localhost:4566/invocations",
            id="path of an HTTP API",
        ),
        pytest.param("https://sqs.us-east-1.amazonaws.com/1/queue", None, id="queue"),
        pytest.param("arn:aws:lambda:us-east-1:123456789012:function:f", None, id="ARN"),
    ],
)
def test_public_urls_have_a_local_one(url, local):
    assert local_url(url, 4566) == local
