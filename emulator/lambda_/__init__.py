"""AWS Lambda inside the emulator.

Owns everything between `lambda:*` API calls and a function's own process: the repairs of moto's control plane, the
asynchronous lifecycle, execution environments under AWS's runtime interface client, snapshots, logs and metrics.
It refuses what it cannot do (container images, provisioned concurrency, more than one native thread in a snapshot)
with Lambda's own errors. It starts no server: the front door and identity are the emulator's.
"""

from emulator.lambda_.runtime.function_runtime import LambdaService
from emulator.lambda_.settings import Delays, LambdaSettings
from emulator.lambda_.start import start_lambda

__all__ = ["Delays", "LambdaService", "LambdaSettings", "start_lambda"]
