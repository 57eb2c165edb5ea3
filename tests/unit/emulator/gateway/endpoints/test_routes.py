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
        pytest.param("GET", "/pets", "GET /pets", {}, id="method and path"),
        pytest.param("PUT", "/pets", "ANY /pets", {}, id="any method"),
        pytest.param("GET", "/pets/dog/1", "GET /pets/dog/1", {}, id="longer path"),
        pytest.param("GET", "/pets/cat/1", "GET /pets/{kind}/1", {"kind": "cat"}, id="parameter"),
        pytest.param("GET", "/pets/c%20t/1", "GET /pets/{kind}/1", {"kind": "c t"}, id="escaped parameter"),
        pytest.param("GET", "/pets/cat/2", "GET /pets/{proxy+}", {"proxy": "cat/2"}, id="rest"),
        pytest.param("GET", "/pets/dogs/2/3", "ANY /pets/dogs/{rest+}", {"rest": "2/3"}, id="longer rest"),
        pytest.param("POST", "/dotsxtxt", "$default", {}, id="default"),
        pytest.param("DELETE", "/", "$default", {}, id="default of the root"),
    ],
)
def test_the_most_exact_route_wins(method, path, key, parameters):
    found = match_route(ROUTES, method, path)

    assert found is not None
    assert (found.route_key, found.path_parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/b", id="another path"),
        pytest.param("POST", "/a", id="another method"),
        pytest.param("GET", "/a/", id="trailing slash"),
        pytest.param("GET", "/a/b", id="longer path"),
        pytest.param("GET", "", id="no path"),
    ],
)
def test_without_a_default_a_request_may_take_none(method, path):
    assert match_route(["GET /a"], method, path) is None
