"""Lambda's Runtime API (2018-06-01) for one execution environment, on a socket of its own.

As on Lambda, each environment has an API that knows nothing of the others. It hands out one invocation at a time,
takes the answer or the fault, and gives out the role's credentials, as functions with SnapStart get theirs on AWS.
"""

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from emulator.iam import Credentials
from emulator.lambda_.runtime.http_wire import RuntimeRequest, RuntimeResponse, read_request, write_response
from emulator.lambda_.runtime.invocation import ANSWER_LIMIT, Invocation, RuntimeFault, platform_fault

BASE = "/2018-06-01/runtime/"
CREDENTIALS_PATH = "/2018-06-01/credentials"
HEADERS_LIMIT = 2 * 1024 * 1024
"""Bytes in the headers of a request: the client sends the cause for X-Ray, of up to 1 MB, as a header."""

ACCEPTED = RuntimeResponse(HTTPStatus.ACCEPTED, b'{"status":"OK"}')


class RuntimeApi:
    """The API of one environment. All its futures belong to the event loop that it was made in.

    `waiting` is set while the runtime asks for its next invocation. `failed` gets the fault that the runtime reports
    of its init or its restore.
    """

    def __init__(self, credentials: Callable[[], Credentials]) -> None:
        self._credentials = credentials
        self._token = secrets.token_hex(16)
        self._queue: asyncio.Queue[tuple[Invocation, float]] = asyncio.Queue(1)
        self._answer: asyncio.Future[bytes | RuntimeFault] | None = None
        self._current: Invocation | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.waiting = asyncio.Event()
        self.failed: asyncio.Future[RuntimeFault] = asyncio.get_running_loop().create_future()

    async def start(self) -> str:
        """Listen, and return the address for AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEADERS_LIMIT)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    def credentials_environment(self, address: str) -> dict[str, str]:
        """Return the variables by which SDKs find the credentials. Unlike keys, they do not expire with a snapshot."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}{CREDENTIALS_PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self._token,
        }

    def hand_over(self, invocation: Invocation, deadline: float) -> asyncio.Future[bytes | RuntimeFault]:
        """Queue an invocation and return the future of its answer. `deadline` is in seconds since the epoch."""
        self.waiting.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((invocation, deadline))
        return self._answer

    def close(self) -> None:
        """Close all connections, which ends the runtime client."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._connections.add(task)
        try:
            while True:
                request = await read_request(reader, writer)
                await write_response(writer, await self._route(request))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the process has ended, or the API is being closed
        finally:
            self._connections.discard(task)
            writer.close()

    async def _route(self, request: RuntimeRequest) -> RuntimeResponse:
        if request.path == CREDENTIALS_PATH:
            return await self._give_credentials(request)
        action = request.path.removeprefix(BASE)
        if action == "invocation/next":
            return await self._next()
        if action.startswith("invocation/"):
            _, request_id, kind = action.split("/", 2)
            return self._take(request_id, kind, request)
        if action in {"init/error", "restore/error"}:
            if not self.failed.done():
                kind = request.headers.get("lambda-runtime-function-error-type", "Runtime.Unknown")
                self.failed.set_result(RuntimeFault(kind, request.body))
            return ACCEPTED
        return RuntimeResponse(HTTPStatus.NOT_FOUND)

    async def _next(self) -> RuntimeResponse:
        self._current = None
        self.waiting.set()
        invocation, deadline = await self._queue.get()
        self._current = invocation
        trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
        headers: tuple[tuple[str, str], ...] = (
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
            ("Lambda-Runtime-Trace-Id", trace),
        )
        if invocation.client_context:
            headers += (("Lambda-Runtime-Client-Context", invocation.client_context),)
        return RuntimeResponse(HTTPStatus.OK, invocation.payload, headers)

    def _take(self, request_id: str, kind: str, request: RuntimeRequest) -> RuntimeResponse:
        if self._current is None or self._current.request_id != request_id or self._answer is None:
            return RuntimeResponse(
                HTTPStatus.BAD_REQUEST, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}'
            )
        answer: bytes | RuntimeFault = request.body
        response = ACCEPTED
        if kind == "error":
            answer = RuntimeFault("Unhandled", request.body)
        elif len(request.body) > ANSWER_LIMIT:
            answer = platform_fault(
                "Function.ResponseSizeTooLarge",
                f"Response payload size ({len(request.body)} bytes) exceeded maximum allowed payload size "
                f"({ANSWER_LIMIT} bytes).",
            )
            response = RuntimeResponse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, answer.body)
        if not self._answer.done():
            self._answer.set_result(answer)
        return response

    async def _give_credentials(self, request: RuntimeRequest) -> RuntimeResponse:
        if request.headers.get("authorization") != self._token:
            return RuntimeResponse(HTTPStatus.FORBIDDEN, b'{"message":"wrong authorization token"}')
        given = await asyncio.to_thread(self._credentials)
        expires = datetime.now(UTC) + timedelta(hours=1)
        return RuntimeResponse(
            HTTPStatus.OK,
            json.dumps(
                {
                    "AccessKeyId": given.access_key_id,
                    "SecretAccessKey": given.secret_access_key,
                    "Token": given.session_token,
                    "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            ).encode(),
        )
