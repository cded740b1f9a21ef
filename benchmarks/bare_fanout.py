"""What asking three providers costs at least: an ASGI application that gets three answers by aiohttp and joins them.

No GraphQL, no checks, no mapping: the limit that a gateway in Python over aiohttp can come near to. Each POST names an
order in its variables. `UPSTREAM` is the providers' address. Run it with `uvicorn benchmarks.bare_fanout:app`.
"""

from __future__ import annotations

import asyncio
import os

import aiohttp
import orjson
from starlette.types import Receive, Scope, Send

_PATHS = (
    "/v1/shops/bench/orders?order_number={number}&page=1&per_page=10",
    "/v2/checkout/orders/{number}",
    "/orders/{number}",
)


class BareFanOut:
    """The application; it opens its client with its first request, on the loop that serves it."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._client: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        number = orjson.loads(await _body(receive))["variables"]["number"]
        parts = await asyncio.gather(*(self._get(path.format(number=number)) for path in _PATHS))
        body = b'{"data":[%b]}' % b",".join(parts)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _get(self, path: str) -> bytes:
        if self._client is None:
            self._client = aiohttp.ClientSession(self._upstream, connector=aiohttp.TCPConnector(limit=0))
        async with self._client.get(path) as response:
            return await response.read()


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


app = BareFanOut(os.environ["UPSTREAM"])
