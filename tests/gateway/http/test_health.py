"""Liveness says that the process runs; readiness says whether it can serve, and what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http import Admission, PartHealth
from gateway.http.health import health_routes


class Settable(Protocol):
    """The fixture `parts`: what it holds is what the readiness check sees."""

    health: dict[str, PartHealth]


async def test_healthz_is_200_whatever_is_down(client: httpx.AsyncClient, parts: Settable) -> None:
    parts.health = {"store": PartHealth(False)}
    response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


STORE, CACHE = PartHealth(True), PartHealth(True, required=False)
STORE_DOWN, CACHE_DOWN = PartHealth(False), PartHealth(False, required=False)


@pytest.mark.parametrize(
    ("store", "cache", "status", "told"),
    [
        (STORE, CACHE, 200, {"status": "ok", "parts": {"store": "ok", "cache": "ok"}}),
        (STORE, CACHE_DOWN, 200, {"status": "degraded", "parts": {"store": "ok", "cache": "down"}}),
        (STORE_DOWN, CACHE, 503, {"status": "down", "parts": {"store": "down", "cache": "ok"}}),
    ],
)
async def test_readyz_is_503_when_a_required_part_is_down(
    client: httpx.AsyncClient,
    parts: Settable,
    *,
    store: PartHealth,
    cache: PartHealth,
    status: int,
    told: dict[str, object],
) -> None:
    parts.health = {"store": store, "cache": cache}
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (status, told)
    assert response.headers["cache-control"] == "no-store"


async def test_readyz_does_not_wait_for_a_part_that_hangs() -> None:
    async def hangs() -> Mapping[str, PartHealth]:
        await asyncio.Event().wait()
        return {}

    app = Starlette(routes=health_routes(hangs, Admission(), readiness_seconds=0))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "no answer in time", "parts": {}})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_other_methods_are_405(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path)
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]
    assert response.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
