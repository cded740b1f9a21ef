"""Has every request counted, timed and traced, with the client that says it sent it. Pure ASGI; reads no body."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.telemetry import observing
from gateway.telemetry.clients import KnownClients

OTHER: Final = "other"

ROUTES: Final = frozenset({"/graphql", "/healthz", "/readyz", "/metrics"})
"""Addresses that figures are told apart by. What else a client asks for, GraphiQL's files too, is `OTHER`."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

_NAME_HEADERS: Final = ("apollographql-client-name", "x-client-name")
_VERSION_HEADERS: Final = ("apollographql-client-version", "x-client-version")


class Observed:
    """`app`, watched. `request_id` of the scope must be known already."""

    def __init__(self, app: ASGIApp, clients: KnownClients) -> None:
        self._app = app
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        client = self._clients.client(_first(headers, _NAME_HEADERS), _first(headers, _VERSION_HEADERS))
        route = scope["path"] if scope["path"] in ROUTES else OTHER
        method = scope["method"] if scope["method"] in METHODS else OTHER
        if route == "/graphql":
            observing.client_request(client)
        with observing.request(
            method, route, scope["state"]["request_id"], client, traceparent=headers.get("traceparent")
        ) as notes:

            async def note_status(message: Message) -> None:
                if message["type"] == "http.response.start":
                    notes.status = message["status"]
                await send(message)

            await self._app(scope, receive, note_status)


def _first(headers: Headers, names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := headers.get(name))), None)
