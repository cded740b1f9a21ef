"""What happens around every HTTP request, whatever it is for: an id, headers, and a boundary for failures.

Pure ASGI: each wraps `send`, and none reads a body. They know nothing of GraphQL beyond the shape of an error.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.cors import NO_CORS, CorsOptions, cors_middleware
from gateway.http.observed import Observed
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.schema.errors import ErrorCode
from gateway.telemetry import REQUEST_ID
from gateway.telemetry.clients import KnownClients

log = logging.getLogger(__name__)

REQUEST_ID_HEADER: Final = "X-Request-Id"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

RESPONSE_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # An answer is data: should a browser show it as a page, it may load nothing and stand in no frame.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every response that does not set them itself."""


def middleware(cors: CorsOptions = NO_CORS, clients: KnownClients | None = None) -> list[Middleware]:
    """Everything around the routes, outermost first: the answer to a failure carries all headers too."""
    return [
        Middleware(RequestIdentity),
        Middleware(Observed, clients or KnownClients()),
        Middleware(DefaultHeaders, RESPONSE_HEADERS),
        *cors_middleware(cors),
        Middleware(FailureBoundary),
    ]


def request_id(scope: Scope) -> str:
    """The id of the request in `scope`, given to it by RequestIdentity."""
    identity: str = scope["state"]["request_id"]
    return identity


class RequestIdentity:
    """Gives each request an id, the client's own where it is well-formed, and answers it in `X-Request-Id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        proposed = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        identity = proposed if _REQUEST_ID.fullmatch(proposed) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = identity
        logged = REQUEST_ID.set(identity)
        try:
            await self._app(scope, receive, _with_headers(send, {REQUEST_ID_HEADER: identity}))
        finally:
            REQUEST_ID.reset(logged)


class DefaultHeaders:
    """Adds `headers` to every response that does not have them."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, _with_headers(send, self._headers) if scope["type"] == "http" else send)


class FailureBoundary:
    """Turns what nobody foresaw into a 500 that tells the request id and nothing else. The cause goes to the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        except ClientDisconnect:
            log.debug("the client left before its request was read", extra={"request_id": request_id(scope)})
        except Exception as error:
            # The outermost boundary: whatever it is, no traceback may reach a client.
            log.error("request failed", exc_info=error, extra={"request_id": request_id(scope)})
            if started:
                # Half an answer is out: only a broken connection tells the client. The server sees to that.
                raise
            refusal = HttpRefusal(500, ErrorCode.INTERNAL_ERROR, "Internal error")
            accept = Headers(scope=scope).get("accept")
            await refusal_response(refusal, accept, requestId=request_id(scope))(scope, receive, send)


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = MutableHeaders(scope=message)
            for name, value in headers.items():
                present.setdefault(name, value)
        await send(message)

    return send_with_headers
