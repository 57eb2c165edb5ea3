"""Starting the Lambda service in the place of moto's."""

from moto.awslambda.models import lambda_backends

from emulator.lambda_.control import responses
from emulator.lambda_.control.backend import EmulatedBackend
from emulator.lambda_.runtime.function_runtime import FunctionRuntime
from emulator.lambda_.settings import LambdaSettings


def start_lambda(settings: LambdaSettings) -> FunctionRuntime:
    """Start the runtime and make moto use it from now on. The functions of an earlier runtime are forgotten.

    This must be called before the server takes its first request, since moto looks up a service's URLs once.
    """
    runtime = FunctionRuntime(settings)
    # moto makes a backend of (region, account) alone, so the class has to know the runtime and the URLs
    backend = type("LambdaBackend", (EmulatedBackend,), {"function_runtime": runtime, "_url_module": responses})
    lambda_backends.backend = backend
    for account in lambda_backends.values():
        account.backend = backend
        account.clear()
    return runtime
