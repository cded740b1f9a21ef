"""Whether the process runs (`/healthz`) and whether it can serve (`/readyz`), for those who run it.

What readiness depends on is given from outside; nothing here knows a store or a cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One thing the gateway relies on. Without a `required` one it is not ready; without another it is slower."""

    ok: bool
    required: bool = True


Readiness = Callable[[], Awaitable[Mapping[str, PartHealth]]]
"""Looks at each part, by name (`store`, `cache`)."""

READINESS_SECONDS = 2.0
"""A part that takes longer to answer is of no use to a query; orchestrators wait one to a few seconds for a probe."""


def health_routes(readiness: Readiness, *, readiness_seconds: float = READINESS_SECONDS) -> list[Route]:
    """`/healthz` is always 200. `/readyz` is 200, or 503 when a required part is down or does not answer in time."""

    async def healthz(_: Request) -> Response:
        return _json_response({"status": "ok"}, 200)

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(readiness_seconds):
                parts = await readiness()
        except TimeoutError:
            return _json_response({"status": "no answer in time", "parts": {}}, 503)
        ready = all(part.ok for part in parts.values() if part.required)
        told = {name: "ok" if part.ok else "down" for name, part in parts.items()}
        return _json_response({"status": "ok" if ready else "down", "parts": told}, 200 if ready else 503)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]


def _json_response(content: dict[str, object], status: int) -> Response:
    return Response(
        orjson.dumps(content), status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
