"""What a function may answer over HTTP, and what is no answer."""

import json

import pytest

from emulator.gateway.endpoints.function_responses import InvalidFunctionResponse, response_of


def answered(answer):
    return response_of(json.dumps(answer).encode(), default_type="text/plain")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("text", id="text"),
        pytest.param(1, id="number"),
        pytest.param(None, id="null"),
        pytest.param([1, 2], id="list"),
        pytest.param({"body": "of json"}, id="object"),
    ],
)
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
        pytest.param({"statusCode": "ok"}, id="status of text"),
        pytest.param({"statusCode": True}, id="status of bool"),
        pytest.param({"statusCode": 42}, id="status out of range"),
        pytest.param({"statusCode": None}, id="status of null"),
        pytest.param({"body": {"not": "text"}}, id="body of an object"),
        pytest.param({"body": "no base64!", "isBase64Encoded": True}, id="body without base64"),
        pytest.param({"headers": ["a"]}, id="list of headers"),
        pytest.param({"headers": {"a": {}}}, id="header of an object"),
        pytest.param({"headers": {"a": "b\r\nset-cookie: c=d"}}, id="header with a line break"),
        pytest.param({"cookies": "a=1"}, id="cookies of text"),
        pytest.param({"cookies": [{}]}, id="cookie of an object"),
    ],
)
def test_nonsense_is_no_answer(wrong):
    with pytest.raises(InvalidFunctionResponse):
        answered({"statusCode": 200, **wrong})
