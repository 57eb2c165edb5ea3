"""Function URLs and HTTP APIs: what clients without an SDK reach by plain HTTP.

Owns the way from a request to an event in payload format 2.0 and from a function's answer to a response, the check of
signatures, and the routes. It runs nothing itself: functions are the Lambda service's. It refuses CORS, streaming,
authorizers other than IAM and integrations other than Lambda's at deployment, not when the request is there.
"""

from emulator.gateway.endpoints.public_endpoints import PublicEndpoints, local_url

__all__ = ["PublicEndpoints", "local_url"]
