"""Requests to function URLs and HTTP APIs over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from emulator.gateway.endpoints.function_calls import lambda_backend
from emulator.gateway.endpoints.http_apis import HttpApiGateway
from tests.support.emulator.http_client import request


def test_a_request_to_a_function_url_is_an_event_of_format_2(urls):
    sent = {"Content-Type": "application/json", "Cookie": "a=1; b=2", "User-Agent": "me", "X-Two": "1"}
    answer = request(f"{urls['LatestUrl']}/a%20b?x=1&y=%C3%A4&x=2&e=", '{"n": 1}', headers=sent)

    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    event = answer.json["event"]
    url_id = urls["LatestUrl"].split("/")[2].split(".")[0]
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%20b",
        "rawQueryString": "x=1&y=%C3%A4&x=2&e=",
        "cookies": ["a=1", "b=2"],
        "queryStringParameters": {"x": "1,2", "y": "ä", "e": ""},
        "body": '{"n": 1}',
        "isBase64Encoded": False,
    }
    assert {key: headers[key] for key in ("content-type", "user-agent", "x-two", "host", "x-forwarded-proto")} == {
        "content-type": "application/json",
        "user-agent": "me",
        "x-two": "1",
        "host": urls["LatestUrl"].split("/")[2],
        "x-forwarded-proto": "http",
    }
    assert "cookie" not in headers
    assert all(name == name.lower() for name in headers)
    assert answer.header("x-amzn-requestid") == context.pop("requestId") == answer.json["request_id"]
    moment = datetime.fromtimestamp(context.pop("timeEpoch") / 1000, tz=UTC)
    assert context.pop("time") == moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
    assert context == {
        "accountId": "anonymous",
        "apiId": url_id,
        "authentication": None,
        "domainName": f"{url_id}.lambda-url.us-east-1.on.aws",
        "domainPrefix": url_id,
        "http": {
            "method": "POST",
            "path": "/a%20b",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "me",
        },
        "routeKey": "$default",
        "stage": "$default",
    }


def test_a_request_to_an_http_api_names_its_route_and_what_its_path_says(urls):
    event = request(f"{urls['ApiUrl']}/open/i%2F1/of/a/b", None, method="PUT").json["event"]

    assert event["routeKey"] == event["requestContext"]["routeKey"] == "ANY /open/{item}/of/{rest+}"
    assert event["rawPath"] == "/open/i%2F1/of/a/b"
    assert event["pathParameters"] == {"item": "i/1", "rest": "a/b"}
    assert "body" not in event
    assert event["requestContext"]["accountId"] == "123456789012"
    assert event["requestContext"]["domainName"].endswith(".execute-api.us-east-1.amazonaws.com")
    assert event["requestContext"]["http"]["method"] == "PUT"


def test_a_body_that_is_no_text_comes_as_base64(urls):
    png = request(urls["LatestUrl"] + "/", b"\x89PNG", headers={"Content-Type": "image/png"}).json["event"]
    form = request(urls["LatestUrl"] + "/", "{}", headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert (png["body"], png["isBase64Encoded"]) == ("iVBORw==", True)
    assert (form.json["event"]["body"], form.json["event"]["isBase64Encoded"]) == ("e30=", True)


def test_a_body_in_chunks_is_read(urls):
    chunked = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"}
    answer = request(urls["LatestUrl"] + "/", None, headers=chunked, chunks=[b"one ", b"two"])

    assert answer.json["event"]["body"] == "one two"


def test_a_function_may_answer_bytes_with_headers_and_cookies(urls):
    for endpoint in (urls["LatestUrl"] + "/", urls["ApiUrl"] + "/open"):
        answer = request(f"{endpoint}?want=bytes")

        assert (answer.status, answer.body) == (201, bytes(range(256)))
        assert (answer.header("content-type"), answer.header("x-count")) == ("image/png", "3")
        assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a=1", "b=2; Secure"]


def test_a_value_without_a_status_is_the_body(urls):
    for endpoint in (urls["LatestUrl"] + "/", urls["ApiUrl"] + "/open"):
        text, plain = request(f"{endpoint}?want=text"), request(f"{endpoint}?want=plain")

        assert (text.status, text.body, text.header("content-type")) == (200, b'"Hello"', "application/json")
        assert plain.json["version"]


def test_without_a_content_type_an_http_api_answers_text(urls):
    assert request(urls["ApiUrl"] + "/open").header("content-type") == "text/plain; charset=utf-8"


@pytest.mark.parametrize("want", ["error", "number", "large"])
def test_a_function_that_fails_or_answers_nonsense_is_a_bad_gateway(urls, want):
    by_url, by_api = request(f"{urls['LatestUrl']}/?want={want}"), request(f"{urls['ApiUrl']}/open?want={want}")

    assert (by_url.status, by_url.body) == (502, b"Internal Server Error")
    assert (by_api.status, by_api.json) == (502, {"message": "Internal Server Error"})


def test_a_request_that_is_too_large_never_reaches_the_function(urls):
    body = b"x" * 6_300_000
    assert request(urls["LatestUrl"] + "/", body).status == 413
    assert request(urls["ApiUrl"] + "/open", body).status == 413


def test_what_an_http_api_does_not_route_is_not_found(urls):
    attempts = [("GET", "/signed"), ("POST", "/"), ("POST", "/open/"), ("OPTIONS", "/open"), ("POST", "/other")]
    for method, path in attempts:
        answer = request(urls["ApiUrl"] + path, method=method)

        assert (answer.status, answer.json) == (404, {"message": "Not Found"}), (method, path)


def test_a_function_that_is_not_there_is_an_internal_error_of_the_api(urls):
    answer = request(urls["ApiUrl"] + "/nowhere")

    assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})


def test_what_breaks_in_the_emulator_itself_says_so(urls, aws, monkeypatch):
    monkeypatch.setitem(aws.front_door._endpoints._answer, "execute-api", lambda *_: 1 / 0)
    answer = request(urls["ApiUrl"] + "/open")

    assert answer.status == 500
    assert "the emulator failed: ZeroDivisionError" in answer.json["message"]


def test_endpoints_that_do_not_exist_are_not_found(urls):
    for kind in ("lambda-url", "execute-api"):
        port = urls["ApiUrl"].rpartition(":")[2]
        assert request(f"http://abc123.{kind}.us-east-1.localhost:{port}/").status == 404


def test_a_url_of_an_alias_runs_the_versions_of_the_alias_and_is_counted(urls, aws):
    client = aws.client("lambda")
    assert request(urls["LiveUrl"] + "/", service="lambda").json["version"] == "1"
    assert request(urls["LatestUrl"] + "/").json["version"] == "$LATEST"
    client.update_function_configuration(FunctionName="endpoints-echo", Description="another")
    client.get_waiter("function_updated_v2").wait(FunctionName="endpoints-echo", WaiterConfig={"Delay": 0.1})
    version = client.publish_version(FunctionName="endpoints-echo")["Version"]
    waiter = client.get_waiter("published_version_active")
    waiter.wait(FunctionName="endpoints-echo", Qualifier=version, WaiterConfig={"Delay": 0.1})
    weights = {"AdditionalVersionWeights": {version: 1.0}}
    client.update_alias(FunctionName="endpoints-echo", Name="live", RoutingConfig=weights)

    assert request(urls["LiveUrl"] + "/", service="lambda").json["version"] == version
    assert request(urls["ApiUrl"] + "/signed", service="execute-api").json["version"] == version
    counted = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[
            {"Name": "FunctionName", "Value": "endpoints-echo"},
            {"Name": "Resource", "Value": "endpoints-echo:live"},
            {"Name": "ExecutedVersion", "Value": version},
        ],
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in counted["Datapoints"]) == 2
    client.update_alias(FunctionName="endpoints-echo", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})


def test_a_function_without_room_is_throttled(urls, aws, monkeypatch):
    settings = lambda_backend().function_runtime._launcher.settings
    monkeypatch.setitem(vars(settings), "environments_per_version", 1)
    monkeypatch.setitem(vars(settings), "queued_per_version", 0)
    with ThreadPoolExecutor(3) as threads:
        slow = [threads.submit(request, f"{urls['LatestUrl']}/?want=slow") for _ in range(2)]
        statuses = sorted(each.result().status for each in slow)

    assert statuses == [200, 429]


def test_an_http_api_waits_no_longer_than_it_may(urls, monkeypatch, aws):
    impatient = HttpApiGateway(lambda *_: None, lambda: datetime.now(UTC), patience=0.1)
    monkeypatch.setitem(aws.front_door._endpoints._answer, "execute-api", impatient.answer)
    answer = request(urls["ApiUrl"] + "/open?want=slow")

    assert (answer.status, answer.json) == (503, {"message": "Service Unavailable"})


def test_a_named_stage_is_the_first_part_of_the_path(aws, urls):
    client = aws.client("apigatewayv2")
    api_id = urls["ApiUrl"].split("/")[2].split(".")[0]
    client.create_stage(ApiId=api_id, StageName="prod", StageVariables={"colour": "red"})

    event = request(urls["ApiUrl"] + "/prod/open").json["event"]

    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/prod/open", "prod")
    assert event["stageVariables"] == {"colour": "red"}
    client.delete_stage(ApiId=api_id, StageName="prod")
