"""How a warm request grows: with the orders that the cache holds, and with the parcels and events of one order.

The first must not show at all; the second must be in proportion. Every figure is from one gateway with its caches on
but those of whole answers and pieces, which would hide what is measured. The orders are delivered, so that their copies
stay fresh throughout.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import orjson

from benchmarks.client import Connection, connections
from benchmarks.gateways import gateway
from benchmarks.laps import Extent, Lap, Line, median_lap, run_lap, run_laps
from benchmarks.processes import Child
from benchmarks.shop_data import NUMBER_DIGITS, Json, order_json, order_number
from benchmarks.toolchain import LOAD_CORE, SERVER_CORE, install_tools
from benchmarks.upstream import ALL_ORDERS, ANY_NUMBER, upstream
from benchmarks.wrk import write_lines
from gateway.cli.progress import Progress

MIB = 1024 * 1024

MOST_CACHED = 100_000
"""Orders in the cache in the end; laps are run at a hundredth and at a tenth of them, too."""

SIZES = (1, 2, 10, 50, 100, 200)
"""Parcels with one event each, and events of one parcel. An answer holds 100 of either at most."""

CACHED_COLUMNS = (
    "cached orders",
    "first p50 ms",
    "p50 ms",
    "p99 ms",
    "requests/s",
    "CPU µs/request",
    "calls/request",
    "memory MiB",
)
SIZE_COLUMNS = ("parcels", "events of each", "CPU µs warm", "p50 ms warm", "CPU µs cold", "p50 ms cold")

_FILLING_AT_ONCE = 16
_SAMPLE = 1_000
"""Orders of those cached that a lap asks for, chosen at random."""

_WARM = {"cache.pieces": "false", "cache.answers": "false"}
_COLD = {"cache.objects": "false", **_WARM}
_ROOM_BYTES = 16 * 1024 * MIB
"""A bound that 100,000 orders keep well below; nothing is taken ahead of need."""


_DOCUMENT = """\
query Growth($number: String!) {
  order(by: {orderNumber: $number}) {
    orderNumber placedAt
    trackings(first: 100) {
      trackingNumber status
      events(first: 100) { occurredAt status name location { city } }
    }
  }
}"""


@dataclass(frozen=True, slots=True)
class Held:
    """A lap over a cache that holds so many orders, and the gateway's resident set then.

    `first_ms` is the median of the first answers from copies: a copy is made ready for use when it is used first. Those
    are timed by this program, which takes longer than wrk.
    """

    orders: int
    first_ms: float
    lap: Lap
    rss_bytes: int

    def row(self) -> tuple[str, ...]:
        """A row of `CACHED_COLUMNS`."""
        return (
            f"{self.orders:,}",
            f"{self.first_ms:.2f}",
            f"{self.lap.p50_ms:.2f}",
            f"{self.lap.p99_ms:.2f}",
            f"{self.lap.per_second:,.0f}",
            f"{self.lap.cpu_us:,.0f}",
            f"{self.lap.calls_per_request:.2f}",
            f"{self.rss_bytes / MIB:.0f}",
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """An order of so many parcels with so many events each; `number` leads to it at the upstream."""

    trackings: int
    events: int

    @property
    def prefix(self) -> str:
        return f"{self.trackings:03}{self.events:03}"

    @property
    def pattern(self) -> str:
        return f"^{self.prefix}"

    @property
    def body(self) -> bytes:
        """A request for an order of this shape."""
        return _body(self.prefix + "0" * (NUMBER_DIGITS - len(self.prefix)))


def shapes() -> Iterator[Shape]:
    """One dimension grows while the other stays at 1."""
    yield from (Shape(size, 1) for size in SIZES)
    yield from (Shape(1, size) for size in SIZES[1:])


async def time_cached(extent: Extent, most: int = MOST_CACHED) -> list[Held]:
    """Laps over a cache of a hundredth of `most` orders, of a tenth, and of all, one request at a time."""
    await install_tools()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        small = order_json(ANY_NUMBER, trackings=1, events=2)
        source = await stack.enter_async_context(upstream(folder, {ALL_ORDERS: small}, core=LOAD_CORE))
        settings = {**_WARM, "cache.max_bytes": str(_ROOM_BYTES)}
        child = await stack.enter_async_context(
            gateway(folder / "store.db", {"karla": source.karla}, settings, SERVER_CORE)
        )
        held = []
        for before, size in pairwise((0, max(most // 100, 1), max(most // 10, 1), most)):
            await _fill(child, before, size)
            chosen = Random(size).sample(range(size), min(size, _SAMPLE))  # noqa: S311  # not for secrets
            bodies = [_body(order_number(place)) for place in chosen]
            first_ms = await _read_again(child, bodies)
            file = write_lines(folder / f"{size}", bodies)
            line = Line(f"{size:,} cached orders", child, f"{child.answer}/graphql", file, at_once=1)
            laps = [await run_lap(line, source, extent.seconds) for _ in range(extent.rounds)]
            held.append(Held(size, first_ms, median_lap(laps), child.usage().rss_bytes))
        return held


async def time_shapes(extent: Extent) -> list[tuple[str, ...]]:
    """A row of `SIZE_COLUMNS` for each shape of an order, one request at a time."""
    await install_tools()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        orders: dict[str, Json] = {
            shape.pattern: order_json(ANY_NUMBER, trackings=shape.trackings, events=shape.events) for shape in shapes()
        }
        source = await stack.enter_async_context(upstream(folder, orders, core=LOAD_CORE))
        children = [
            await stack.enter_async_context(gateway(folder / name, {"karla": source.karla}, settings, SERVER_CORE))
            for name, settings in (("warm.db", _WARM), ("cold.db", _COLD))
        ]
        lines = [
            Line(
                f"{shape.trackings} parcels, {shape.events} events",
                child,
                f"{child.answer}/graphql",
                write_lines(folder / shape.prefix, [shape.body]),
                at_once=1,
            )
            for shape in shapes()
            for child in children
        ]
        laps = await run_laps("parcels and events", lines, source, extent)
        middles = [median_lap(laps[line]) for line in lines]
        return [
            _shape_row(shape, warm, cold)
            for shape, warm, cold in zip(shapes(), middles[::2], middles[1::2], strict=True)
        ]


def _shape_row(shape: Shape, warm: Lap, cold: Lap) -> tuple[str, ...]:
    return (
        str(shape.trackings),
        str(shape.events),
        f"{warm.cpu_us:,.0f}",
        f"{warm.p50_ms:.2f}",
        f"{cold.cpu_us:,.0f}",
        f"{cold.p50_ms:.2f}",
    )


async def _fill(child: Child, first: int, behind_last: int) -> None:
    """Read the orders at these places once."""
    places = iter(range(first, behind_last))
    with Progress(f"reading {behind_last - first:,} orders", behind_last - first) as progress:
        async with connections(child.answer, _FILLING_AT_ONCE) as opened:

            async def read(connection: Connection) -> None:
                for place in places:
                    await connection.query(_body(order_number(place)))
                    progress.reached(place + 1 - first)

            await asyncio.gather(*(read(connection) for connection in opened))


async def _read_again(child: Child, bodies: Sequence[bytes]) -> float:
    """The median of the milliseconds that an answer takes, one after the other."""
    took = []
    async with connections(child.answer, 1) as (connection,):
        for body in bodies:
            started = perf_counter()
            await connection.query(body)
            took.append(perf_counter() - started)
    return median(took) * 1000


def _body(number: str) -> bytes:
    return orjson.dumps({"query": _DOCUMENT, "variables": {"number": number}})
