"""Which route of an HTTP API a request takes."""

import pytest

from emulator.gateway.endpoints.routes import match_route

ROUTES = (
    "GET /pets",
    "ANY /pets",
    "GET /pets/dog/1",
    "GET /pets/{kind}/1",
    "GET /pets/{proxy+}",
    "ANY /pets/dogs/{rest+}",
    "POST /dots.txt",
    "$default",
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets", "GET /pets", {}),
        ("PUT", "/pets", "ANY /pets", {}),
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/cat/1", "GET /pets/{kind}/1", {"kind": "cat"}),
        ("GET", "/pets/c%20t/1", "GET /pets/{kind}/1", {"kind": "c t"}),
        ("GET", "/pets/cat/2", "GET /pets/{proxy+}", {"proxy": "cat/2"}),
        ("GET", "/pets/dogs/2/3", "ANY /pets/dogs/{rest+}", {"rest": "2/3"}),
        ("POST", "/dotsxtxt", "$default", {}),
        ("DELETE", "/", "$default", {}),
    ],
)
def test_the_most_exact_route_wins(method, path, key, parameters):
    found = match_route(ROUTES, method, path)

    assert found is not None
    assert (found.route_key, found.path_parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/b"), ("POST", "/a"), ("GET", "/a/"), ("GET", "/a/b"), ("GET", "")]
)
def test_without_a_default_a_request_may_take_none(method, path):
    assert match_route(["GET /a"], method, path) is None
