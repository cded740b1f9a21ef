"""Two workers beside one, over a shared Redis and one SQLite store, none of them bound to a processor.

Objects are cached and every request is executed: with whole answers kept, the load would need more than the workers. On
a machine with two processors load and workers share them, so that two workers cannot reach twice one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.client import connections
from benchmarks.gateways import gateway
from benchmarks.laps import Extent, Lap, Line, median_lap, run_laps
from benchmarks.peers.workload import QUESTIONS, page_of_orders
from benchmarks.processes import Child, start_all
from benchmarks.shop_data import order_json
from benchmarks.toolchain import install_tools, redis_server
from benchmarks.upstream import ALL_ORDERS, ANY_NUMBER, Upstream, upstream
from benchmarks.wrk import write_lines

AT_ONCE = 64
LEAST_TIMES = 1.7
"""How many times the requests per second of one worker two must answer."""

PAGES = ("order page", "list of 30")
WORKERS = (1, 2)

COLUMNS = (
    "page",
    "workers",
    "requests/s",
    "(lowest to highest)",
    "times one",
    "p99 ms",
    "CPU µs/request",
    "memory MiB",
)

_SETTINGS: Mapping[str, str] = {"cache.pieces": "false", "cache.answers": "false", "freshness.page": "3600"}
_PRIMING = 32
"""Requests that each gateway is asked before, so that every worker has made its copies."""


class TwoWorkers:
    """The laps of each page with each number of workers, and the memory that the workers held in the end."""

    def __init__(self, laps: Mapping[tuple[str, int], Sequence[Lap]], rss_bytes: Mapping[int, int]) -> None:
        self._laps = laps
        self._rss_bytes = rss_bytes

    @property
    def is_as_promised(self) -> bool:
        """Whether two workers answer enough on the page that keeps them busiest."""
        return self._times(PAGES[-1], WORKERS[-1]) >= LEAST_TIMES

    def rows(self) -> list[tuple[str, ...]]:
        """The rows of `COLUMNS`."""
        return [self._row(page, workers) for page in PAGES for workers in WORKERS]

    def _times(self, page: str, workers: int) -> float:
        return median_lap(self._laps[page, workers]).per_second / median_lap(self._laps[page, 1]).per_second

    def _row(self, page: str, workers: int) -> tuple[str, ...]:
        laps = self._laps[page, workers]
        middle, rates = median_lap(laps), [lap.per_second for lap in laps]
        return (
            page,
            str(workers),
            f"{middle.per_second:,.0f}",
            f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{self._times(page, workers):.2f}",
            f"{middle.p99_ms:.1f}",
            f"{middle.cpu_us:,.0f}",
            f"{self._rss_bytes[workers] / 1024 / 1024:.0f}",
        )


async def time_workers(extent: Extent) -> TwoWorkers:
    """Time one and two workers side by side."""
    await install_tools()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        orders = {ALL_ORDERS: order_json(ANY_NUMBER)}
        source = await stack.enter_async_context(upstream(folder, orders, page_of_orders()))
        socket = folder / "redis.sock"
        await stack.enter_async_context(_redis(socket))
        children = {workers: _gateway(folder, source, socket, workers) for workers in WORKERS}
        await start_all(stack, children.values())
        lines = {}
        for question in (one for one in QUESTIONS if one.name in PAGES):
            file = write_lines(folder / question.name, question.bodies[:1])
            for workers, child in children.items():
                await _prime(child, question.bodies[0])
                name = f"{workers} workers, {question.name}"
                lines[question.name, workers] = Line(name, child, f"{child.answer}/graphql", file, at_once=AT_ONCE)
        laps = await run_laps("workers", list(lines.values()), source, extent)
        held = {workers: child.usage().rss_bytes for workers, child in children.items()}
        return TwoWorkers({key: laps[line] for key, line in lines.items()}, held)


def _redis(socket: Path) -> Child:
    command = [redis_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    return Child(command, "([Rr]eady to accept connections)")


def _gateway(folder: Path, source: Upstream, socket: Path, workers: int) -> Child:
    own = {
        "server.workers": str(workers),
        "cache.url": f"unix://{socket}?db=0",
        "cache.key_prefix": f"bench{workers}",
    }
    return gateway(folder / f"{workers}.db", {"karla": source.karla}, {**_SETTINGS, **own})


async def _prime(child: Child, body: bytes) -> None:
    async with connections(child.answer, _PRIMING) as opened:
        for connection in opened:
            await connection.query(body)
