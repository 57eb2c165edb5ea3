"""What a function may answer over HTTP, and what is no answer."""

import json

import pytest

from emulator.gateway.endpoints.function_responses import InvalidFunctionResponse, response_of


def answered(answer):
    return response_of(json.dumps(answer).encode(), default_type="text/plain")


@pytest.mark.parametrize("value", ["text", 1, None, [1, 2], {"body": "of json"}])
def test_a_value_without_a_status_is_the_body(value):
    response = answered(value)

    assert response.status == 200
    assert json.loads(response.body) == value
    assert dict(response.headers)["content-type"] == "application/json"


def test_headers_are_text_and_the_connections_own_are_not_the_functions():
    headers = {"X-Number": 1, "X-Flag": True, "Content-Length": "9", "Connection": "close", "CONTENT-TYPE": "a/b"}
    response = answered({"statusCode": "204", "headers": headers, "cookies": ["a=1", "b=2"]})

    assert (response.status, response.body) == (204, b"")
    assert sorted(response.headers) == [
        ("content-type", "a/b"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-flag", "true"),
        ("x-number", "1"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"statusCode": "ok"},
        {"statusCode": True},
        {"statusCode": 42},
        {"statusCode": None},
        {"body": {"not": "text"}},
        {"body": "no base64!", "isBase64Encoded": True},
        {"headers": ["a"]},
        {"headers": {"a": {}}},
        {"headers": {"a": "b\r\nset-cookie: c=d"}},
        {"cookies": "a=1"},
        {"cookies": [{}]},
    ],
)
def test_nonsense_is_no_answer(wrong):
    with pytest.raises(InvalidFunctionResponse):
        answered({"statusCode": 200, **wrong})
