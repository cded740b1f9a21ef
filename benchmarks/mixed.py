"""A shop's day in half a minute: order pages and small queries over 10,000 orders, asked for as unevenly as shops' are.

Which order is asked for follows Zipf's law: the one in place n is asked for 1/n as often as the first. A third of the
orders are on their way still, and their copies go stale after two seconds; they are served, and renewed behind. The
gateway has all of its caches on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.client import Connection, connections
from benchmarks.gateways import gateway
from benchmarks.laps import Lap, Line, run_lap
from benchmarks.peers.workload import order_bodies, tiny_bodies
from benchmarks.processes import Child
from benchmarks.shop_data import order_json
from benchmarks.toolchain import LOAD_CORE, SERVER_CORE, install_tools
from benchmarks.upstream import ALL_ORDERS, ANY_NUMBER, upstream
from benchmarks.wrk import write_lines

ORDERS = 10_000
SECONDS = 30.0
AT_ONCE = 16

COLUMNS = (
    "orders",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "kept whole",
    "fresh copies",
    "stale copies",
    "asked now",
    "calls/request",
    "calls saved",
    "memory MiB",
)

_REQUESTS = 200_000
"""As many are drawn; then they come again."""

_PAGE_SHARE = 0.7
"""Of the requests, those for the order page; the others are tiny."""

_ON_THEIR_WAY = "([0-2][0-9]|3[0-2])$"
"""33 of 100 numbers."""

_LIFETIMES = {"freshness.dormant": "2", "freshness.moving": "2"}
"""The upstream's orders are of a day long past, so that to the gateway those on their way are dormant."""

_LOADS = re.compile(r'^trackgraph_cache_loads_total\{.*result="(\w+)".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MixedLoad:
    """What the load showed.

    `loads` counts what was looked up in the cache of objects by where it came from (HIT, STALE, MISS): one for each
    request, but for those that were answered with bytes kept whole.
    """

    orders: int
    lap: Lap
    loads: Mapping[str, float]
    rss_bytes: int

    def row(self) -> tuple[str, ...]:
        """A row of `COLUMNS`."""
        return (
            f"{self.orders:,}",
            f"{self.lap.per_second:,.0f}",
            f"{self.lap.p50_ms:.2f}",
            f"{self.lap.p99_ms:.2f}",
            f"{self.lap.cpu_us:,.0f}",
            f"{1 - sum(self.loads.values()) / self.lap.sent:.1%}",
            *(f"{self.loads.get(result, 0) / self.lap.sent:.1%}" for result in ("HIT", "STALE", "MISS")),
            f"{self.lap.calls_per_request:.3f}",
            f"{1 - self.lap.calls_per_request:.1%}",
            f"{self.rss_bytes / 1024 / 1024:.0f}",
        )


async def time_mixed_load(orders: int = ORDERS, seconds: float = SECONDS) -> MixedLoad:
    """Fill the cache with every order, then run the load."""
    await install_tools()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        templates = {
            _ON_THEIR_WAY: order_json(ANY_NUMBER, delivered=False),
            ALL_ORDERS: order_json(ANY_NUMBER),
        }
        source = await stack.enter_async_context(upstream(folder, templates, core=LOAD_CORE))
        child = await stack.enter_async_context(
            gateway(folder / "store.db", {"karla": source.karla}, _LIFETIMES, SERVER_CORE)
        )
        bodies = [*order_bodies(orders), *tiny_bodies(orders)]
        await _fill(child, bodies[:orders])
        line = Line(
            "mixed load",
            child,
            f"{child.answer}/graphql",
            write_lines(folder / "bodies", bodies),
            write_lines(folder / "order", [b"%d" % number for number in draw(orders, _REQUESTS)]),
            AT_ONCE,
        )
        before = await _loads(child)
        lap = await run_lap(line, source, seconds)
        loads = {result: count - before.get(result, 0) for result, count in (await _loads(child)).items()}
        return MixedLoad(orders, lap, loads, child.usage().rss_bytes)


def draw(orders: int, requests: int) -> list[int]:
    """Line numbers, from 1, in a file of the order page of each of `orders`, and then of the tiny query of each.

    The same arguments give the same numbers.
    """
    random = Random(orders)  # noqa: S311  # not for secrets
    places = list(range(1, orders + 1))
    random.shuffle(places)  # a number says nothing of how often its order is asked for
    chosen = random.choices(places, [1 / rank for rank in range(1, orders + 1)], k=requests)
    return [place if random.random() < _PAGE_SHARE else place + orders for place in chosen]


async def _fill(child: Child, bodies: list[bytes]) -> None:
    waiting = iter(bodies)

    async def read(connection: Connection) -> None:
        for body in waiting:
            await connection.query(body)

    async with connections(child.answer, AT_ONCE) as opened:
        await asyncio.gather(*(read(connection) for connection in opened))


async def _loads(child: Child) -> Mapping[str, float]:
    """The gateway's own count of look-ups in the cache, by where the answer came from."""
    async with connections(child.answer, 1) as (connection,):
        text = (await connection.get("/metrics")).decode()
    counted: dict[str, float] = {}
    for result, count in _LOADS.findall(text):
        counted[result] = counted.get(result, 0) + float(count)
    return counted
