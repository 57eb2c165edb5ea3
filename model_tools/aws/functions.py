"""Lambda: ask a function through its alias, and see who gets which share of its requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_tools.aws.connection import explained


@dataclass(frozen=True)
class Reply:
    """What an invocation came back with."""

    answer: object
    """The function's answer; its error when it failed."""
    executed_version: str
    function_error: str | None
    """None unless the function raised, died or ran out of time."""


class ServingFunction:
    """One function through two boto3 clients: calls are never repeated, since they wait for minutes at most."""

    def __init__(self, client: Any, invoking_client: Any, function: str) -> None:
        self._lambda = client
        self._invoking = invoking_client
        self.name = function

    def shares(self, alias: str = "live") -> Mapping[str, float]:
        """Return each version's share of the alias' requests, 0…1; they add up to 1."""
        known = {"ResourceNotFoundException": f"{self.name} has no alias {alias!r}: deploy the stack again."}
        with explained(f"reading alias {alias} of {self.name}", known):
            answer = self._lambda.get_alias(FunctionName=self.name, Name=alias)
        weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        rest = round(1.0 - sum(weights.values()), 6)
        return {answer["FunctionVersion"]: rest, **weights}

    def invoke(self, payload: object, *, qualifier: str) -> Reply:
        """Ask one version or alias and wait for the answer."""
        known = {
            "ResourceNotFoundException": f"{self.name} has no version or alias {qualifier!r}. `model-tools releases` "
            "shows the versions that were published.",
            "RequestTooLargeException": "The request is larger than the 6 MB that Lambda takes: send a smaller image, "
            'or its address as {"url": "https://…"}.',
        }
        with explained(f"asking {self.name}:{qualifier}", known):
            answer = self._invoking.invoke(
                FunctionName=self.name, Qualifier=qualifier, Payload=json.dumps(payload).encode()
            )
            body = answer["Payload"].read()
        return Reply(_parsed(body), answer.get("ExecutedVersion", qualifier), answer.get("FunctionError"))


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body or b"null")
    except ValueError:
        return body.decode(errors="replace")
