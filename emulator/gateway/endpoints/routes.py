"""Choosing the route of an HTTP API for a request. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from emulator.gateway.endpoints.request_events import DEFAULT_ROUTE

_PARAMETER = re.compile(r"\{([^}+]+)(\+?)\}")
ANY = "ANY"


@dataclass(frozen=True)
class RouteMatch:
    """The key of the route that a request takes, and the parameters in its path."""

    route_key: str
    path_parameters: dict[str, str]


def match_route(route_keys: Iterable[str], method: str, path: str) -> RouteMatch | None:
    """Return the most exact route for a method and a raw path, as API Gateway chooses; None when there is none.

    A path without parameters comes before one with, a greedy one after that, `$default` last; a route for the method
    comes before one for ANY.
    """
    found: list[tuple[tuple[int, int, int], RouteMatch]] = []
    for key in route_keys:
        if key == DEFAULT_ROUTE:
            found.append(((3, 0, 0), RouteMatch(key, {})))
            continue
        its_method, _, template = key.partition(" ")
        parameters = _fit(template, path)
        if parameters is not None and its_method in (method, ANY):
            kind = 2 if "+}" in template else int("{" in template)
            found.append(((kind, -template.count("/"), int(its_method == ANY)), RouteMatch(key, parameters)))
    return min(found, key=lambda each: each[0])[1] if found else None


def _fit(template: str, path: str) -> dict[str, str] | None:
    pattern, end = "", 0
    for parameter in _PARAMETER.finditer(template):
        pattern += re.escape(template[end : parameter.start()]) + ("(.+)" if parameter[2] else "([^/]+)")
        end = parameter.end()
    fitted = re.fullmatch(pattern + re.escape(template[end:]), path)
    names = [parameter[1] for parameter in _PARAMETER.finditer(template)]
    return dict(zip(names, map(unquote, fitted.groups()), strict=True)) if fitted else None
