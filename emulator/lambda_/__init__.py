"""AWS Lambda inside the emulator.

Owns everything between `lambda:*` API calls and a function's own process: in `control`, functions, versions and aliases
with their asynchronous lifecycle; in `runtime`, execution environments under AWS's runtime interface client, snapshots
and function logs. It refuses container images, provisioned concurrency and more than one native thread in a snapshot,
with Lambda's own errors. It starts no server and judges no caller.
"""

from emulator.lambda_.runtime.function_runtime import FunctionRuntime
from emulator.lambda_.settings import LambdaSettings, LifecycleDelays
from emulator.lambda_.start import start_lambda

__all__ = ["FunctionRuntime", "LambdaSettings", "LifecycleDelays", "start_lambda"]
