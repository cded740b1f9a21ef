"""A child process: a double of Karla's Search Orders for a shop of any size, which makes an order when it is asked for.

The simulators' world is held in memory, and small. Here an order is one of theirs with another number, so sizes are as
mixed as there: the same number has the same order always. Filters by `order_number` alone (Karla API reference, Search
Orders). Prints its address when it listens. `python -m benchmarks.large_shop`.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from urllib.parse import parse_qs
from uuid import NAMESPACE_OID, uuid5

import orjson
from pydantic import JsonValue
from starlette.types import ASGIApp, Receive, Scope, Send

from providers.karla.simulator_orders import to_order
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_world
from providers.simulation.http_server import HttpServer

Json = dict[str, JsonValue]


def order_json(number: str, patterns: list[Json]) -> Json:
    """The order of that number: one of `patterns` under names of its own."""
    pattern = patterns[int(number) % len(patterns)]
    uuid = str(uuid5(NAMESPACE_OID, number))
    trackings = pattern["trackings"]
    assert isinstance(trackings, list)
    return {
        **pattern,
        "order_number": number,
        "order_name": f"#{number}",
        "external_id": number,
        "uuid": uuid,
        "trackings": [_tracking(tracking, number, uuid, place) for place, tracking in enumerate(trackings)],
    }


def patterns_of_today() -> list[Json]:
    """The orders of the simulators' own world, as Karla shows them now."""
    world = generate_world(SimulationClock(lambda: datetime.now(UTC), 1.0))
    return [to_order(order, world) for order in world.orders]


def large_shop(patterns: list[Json]) -> ASGIApp:
    """Search Orders for one shop, whatever its slug."""

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        number = parse_qs(scope["query_string"].decode())["order_number"][0]
        body = orjson.dumps([order_json(number, patterns)])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def _tracking(pattern: JsonValue, number: str, order_uuid: str, place: int) -> JsonValue:
    assert isinstance(pattern, dict)
    assert isinstance(pattern["carrier"], dict)
    uuid = str(uuid5(NAMESPACE_OID, f"{number}/{place}"))
    carrier: Json = {**pattern["carrier"], "tracking_number": f"T{number}-{place}"}
    return {**pattern, "uuid": uuid, "id": uuid, "order_id": order_uuid, "order_number": number, "carrier": carrier}


async def main() -> None:
    """Serve the shop until a signal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with HttpServer(large_shop(patterns_of_today())) as server:
        print(server.url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
