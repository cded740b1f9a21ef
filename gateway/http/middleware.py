"""What happens around every HTTP request, whatever it is for: an id, headers, figures, and a boundary for failures.

Pure ASGI; none reads a body, and they know nothing of GraphQL beyond the shape of an error. What stands around every
request is one layer and not one for each of its tasks: each layer that wraps `send` costs a request as much as reading
its body does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Mapping, Sequence
from random import Random
from typing import Final

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.cors import NO_CORS, CorsOptions, cors_middleware
from gateway.http.head import Header, RequestHead, head_of, is_answered, note_request, request_id
from gateway.http.hosts import host_middleware
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.schema.errors import ErrorCode
from gateway.telemetry import REQUEST_ID, observing
from gateway.telemetry.clients import Client, KnownClients

log = logging.getLogger(__name__)

REQUEST_ID_HEADER: Final = b"x-request-id"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

# Seeded by the system, in each process anew. An id tells requests apart and opens nothing: it may be guessed.
_random = Random()  # noqa: S311

RESPONSE_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # An answer is data: should a browser show it as a page, it may load nothing and stand in no frame.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every response that does not set them itself."""

_RAW_HEADERS: Final = tuple((name.lower().encode(), value.encode()) for name, value in RESPONSE_HEADERS.items())

_RAW_NAMES: Final = frozenset({REQUEST_ID_HEADER, *(name for name, _ in _RAW_HEADERS)})

OTHER: Final = "other"

GRAPHQL_PATH: Final = "/graphql"

ROUTES: Final = frozenset({GRAPHQL_PATH, "/healthz", "/readyz", "/metrics"})
"""Addresses that figures are told apart by. What else a client asks for, GraphiQL's files too, is `OTHER`."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

_NAME_HEADERS: Final = (b"apollographql-client-name", b"x-client-name")
_VERSION_HEADERS: Final = (b"apollographql-client-version", b"x-client-version")


def middleware(
    cors: CorsOptions = NO_CORS, clients: KnownClients | None = None, hosts: frozenset[str] | None = None
) -> list[Middleware]:
    """Everything around the routes, outermost first: the answer to a failure carries all headers too."""
    return [
        Middleware(Exchange, clients or KnownClients()),
        *host_middleware(hosts),
        *cors_middleware(cors),
        Middleware(FailureBoundary),
    ]


class Exchange:
    """`app`, for requests that have an id, are counted and timed, and are answered with the headers that all have.

    The id is the client's own where it is well-formed. It stands in `X-Request-Id` of the answer, and in the log.
    """

    def __init__(self, app: ASGIApp, clients: KnownClients) -> None:
        self._app = app
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = RequestHead.of(scope)
        identity = well_formed_id(head.get(REQUEST_ID_HEADER)) or new_request_id()
        client = client_of(head, self._clients)
        route = head.path if head.path in ROUTES else OTHER
        method = head.method if head.method in METHODS else OTHER
        if route == GRAPHQL_PATH:
            observing.client_request(client)
        logged = REQUEST_ID.set(identity)
        try:
            with observing.request(method, route, identity, client, traceparent=head.get(b"traceparent")) as observed:
                note_request(scope, identity, head, observed)

                def send_with_headers(message: Message) -> Awaitable[None]:
                    if message["type"] == "http.response.start":
                        observed.status = message["status"]
                        message["headers"] = completed(message.get("headers", ()), identity)
                    return send(message)

                await self._app(scope, receive, send_with_headers)
        finally:
            REQUEST_ID.reset(logged)


class FailureBoundary:
    """Turns what nobody foresaw into a 500 that tells the request id and nothing else. The cause goes to the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            log.debug("the client left before its request was read", extra={"request_id": request_id(scope)})
        except Exception as error:
            # The outermost boundary: whatever it is, no traceback may reach a client.
            log.error("request failed", exc_info=error, extra={"request_id": request_id(scope)})
            if is_answered(scope):
                # Half an answer is out: only a broken connection tells the client. The server sees to that.
                raise
            refusal = HttpRefusal(500, ErrorCode.INTERNAL_ERROR, "Internal error")
            accept = head_of(scope).accept
            await refusal_response(refusal, accept, requestId=request_id(scope))(scope, receive, send)


def client_of(head: RequestHead, clients: KnownClients) -> Client:
    """Who sends a request with this head, as far as `clients` are told apart."""
    return clients.client(head.first(_NAME_HEADERS), head.first(_VERSION_HEADERS))


def completed(headers: Sequence[Header], identity: str) -> list[Header]:
    """`headers` of an answer with those that all answers have, unless it sets them itself."""
    added = (*_RAW_HEADERS, (REQUEST_ID_HEADER, identity.encode()))
    present = {name for name, _ in headers}
    if present.isdisjoint(_RAW_NAMES):
        return [*headers, *added]
    return [*headers, *(each for each in added if each[0] not in present)]


def well_formed_id(proposed: str | None) -> str | None:
    """The id that a client proposes; None where it proposes none, or one that could not stand in a log."""
    return proposed if proposed and _REQUEST_ID.fullmatch(proposed) else None


def new_request_id() -> str:
    """An id that no other request has."""
    return f"{_random.getrandbits(128):032x}"
