"""Error responses of the emulator itself, in the format that the caller's SDK reads."""

import json
import uuid
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment
from xml.sax.saxutils import escape

_REASONS = {500: "Internal Server Error", 501: "Not Implemented"}


def refuse(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    *,
    status: int,
    code: str,
    message: str,
    service: str = "",
) -> Iterable[bytes]:
    """Answer with an error: XML for S3 and the query protocol, JSON for everybody else.

    `service` is empty when no SDK has signed the request.
    """
    request_id = str(uuid.uuid4())
    if service == "s3":
        kind, text = "application/xml", f"<Error>{_xml(code, message)}<RequestId>{request_id}</RequestId></Error>"
    elif service and "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        error = f"<Error><Type>Receiver</Type>{_xml(code, message)}</Error>"
        kind = "text/xml"
        text = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    else:
        kind, text = "application/json", json.dumps({"__type": code, "message": message})
    body = text.encode()
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("x-amzn-errortype", code),
        ("x-amzn-requestid", request_id),
    ]
    start_response(f"{status} {_REASONS[status]}", headers)
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _xml(code: str, message: str) -> str:
    return f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
