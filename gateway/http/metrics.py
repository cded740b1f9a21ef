"""`/metrics`: the figures of all workers on this port, as Prometheus reads them.

Whoever reaches the port may read them, so whether they are served is a setting. They name shops, providers and clients,
and no order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.telemetry.metrics import exposition, others_told

Refresh = Callable[[], Awaitable[None]]
"""Brings figures up to date that are only read when somebody looks."""

REFRESH_SECONDS: Final = 2.0
"""Where the store takes longer, its figures stay as they were: Prometheus waits 10 s by default, for all of them."""


def metrics_routes(refresh: Refresh) -> list[Route]:
    """`/metrics` in the format that `Accept` asks for, Prometheus' text by default."""

    async def metrics(request: Request) -> Response:
        with suppress(TimeoutError):
            async with asyncio.timeout(REFRESH_SECONDS):
                await refresh()
        await others_told()
        # In a thread: with several workers it reads their files.
        content, media_type = await asyncio.to_thread(exposition, request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return [Route("/metrics", metrics, methods=["GET"])]
