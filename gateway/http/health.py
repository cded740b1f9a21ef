"""Whether the process runs (`/healthz`) and whether it can serve (`/readyz`), for those who run it.

What readiness depends on is given from outside; nothing here knows a store or a cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.admission import Admission


@dataclass(frozen=True, slots=True)
class PartHealth:
    """What the gateway relies on. Without a `required` one it is not ready; without another it serves less well."""

    ok: bool
    required: bool = True


Readiness = Callable[[], Awaitable[Mapping[str, PartHealth]]]
"""Looks at each part, by name (`store`, `cache`, a provider's)."""

OK: Final = "ok"
DEGRADED: Final = "degraded"
DOWN: Final = "down"

HEALTH_PATHS: Final = ("/healthz", "/readyz")

READINESS_SECONDS: Final = 2.0
"""A part that takes longer to answer is of no use to a query; orchestrators wait one to a few seconds for a probe."""


def health_routes(
    readiness: Readiness, admission: Admission, *, readiness_seconds: float = READINESS_SECONDS
) -> list[Route]:
    """`/healthz` is always 200. `/readyz` is 503 when the process is to stop, and when a required part is down or does
    not answer in time; else it is 200, and says which other parts are down."""

    async def healthz(_: Request) -> Response:
        return _json_response({"status": OK}, 200)

    async def readyz(_: Request) -> Response:
        if admission.is_closed:
            return _json_response({"status": "stopping", "parts": {}}, 503)
        try:
            async with asyncio.timeout(readiness_seconds):
                parts = await readiness()
        except TimeoutError:
            return _json_response({"status": "no answer in time", "parts": {}}, 503)
        status = _status(parts.values())
        told = {name: OK if part.ok else DOWN for name, part in parts.items()}
        return _json_response({"status": status, "parts": told}, 503 if status == DOWN else 200)

    return [Route(path, answer, methods=["GET"]) for path, answer in zip(HEALTH_PATHS, (healthz, readyz), strict=True)]


def _status(parts: Iterable[PartHealth]) -> str:
    missing = [part for part in parts if not part.ok]
    if any(part.required for part in missing):
        return DOWN
    return DEGRADED if missing else OK


def _json_response(content: dict[str, object], status: int) -> Response:
    return Response(
        orjson.dumps(content), status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
