"""What every request carries with it, wherever it goes."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.http.middleware import middleware
from gateway.telemetry import REQUEST_ID


async def test_what_is_logged_during_a_request_knows_its_id_and_afterwards_there_is_none() -> None:
    async def endpoint(_: Request) -> PlainTextResponse:
        return PlainTextResponse(REQUEST_ID.get() or "none")

    app = Starlette(routes=[Route("/", endpoint)], middleware=middleware())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        answer = await client.get("/", headers={"X-Request-Id": "abc-1"})
    assert answer.text == "abc-1"
    assert REQUEST_ID.get() is None
