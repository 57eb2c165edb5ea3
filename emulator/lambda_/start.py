"""Putting the Lambda service in the place of moto's."""

from moto.awslambda.models import lambda_backends

from emulator.lambda_.control import responses
from emulator.lambda_.control.backend import EmulatedBackend
from emulator.lambda_.runtime.function_runtime import LambdaService
from emulator.lambda_.settings import LambdaSettings


def start_lambda(settings: LambdaSettings) -> LambdaService:
    """Start the service and make moto use it from now on; functions of a service before this one are forgotten.

    Call it before the server takes its first request: moto looks up a service's URLs once.
    """
    service = LambdaService(settings)
    # moto makes a backend of (region, account) alone, so the class has to know the service and who answers requests
    backend = type("LambdaBackend", (EmulatedBackend,), {"service": service, "_url_module": responses})
    lambda_backends.backend = backend
    for account in lambda_backends.values():
        account.backend = backend
        account.clear()
    return service
