"""Reads far more orders than the cache may hold, and watches what the gateway's process takes.

What is promised is a bound on the cache (`cache.max_bytes`); what counts is the resident set of the whole process. That
also holds the program, parsed documents, answers in flight, and the gaps that freed entries leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import orjson

from benchmarks.client import Connection, UnexpectedAnswer, connections
from benchmarks.gateways import gateway
from benchmarks.processes import Child, python
from benchmarks.questions import order_record
from gateway.freshness.settings import CacheSettings

MIB = 1024 * 1024
AT_ONCE = 16
ROWS = 20
"""Samples that are told; the resident set is looked at more often, for its peak."""

COLUMNS = ("orders read", "resident MiB", "above idle MiB", "of the bound")

_SAMPLE_EVERY = 200
_BAR = 40
_CREDENTIALS = {"slug": "bench", "api_key": "none"}


@dataclass(frozen=True, slots=True)
class Growth:
    """What reading `orders` orders did to the process. `samples` are (orders read, resident bytes), the first idle.

    `first` and `last` say where the first and the last order came from when they were asked for again.
    """

    samples: tuple[tuple[int, int], ...]
    peak_bytes: int
    bound_bytes: int
    first: str
    last: str
    seconds: float

    @property
    def orders(self) -> int:
        return self.samples[-1][0]

    @property
    def idle_bytes(self) -> int:
        return self.samples[0][1]

    @property
    def is_bounded(self) -> bool:
        """Whether the process never took more than the cache's bound above its idle size."""
        return self.peak_bytes - self.idle_bytes <= self.bound_bytes

    def rows(self) -> list[tuple[str, ...]]:
        """A row of `COLUMNS` for each of some `ROWS` samples, with a bar that is full at the bound."""
        step = ceil((len(self.samples) - 1) / ROWS)
        return [self._row(orders, resident) for orders, resident in self.samples[::step]]

    def summary(self) -> list[str]:
        """What the rows come to, in sentences."""
        growth = self.peak_bytes - self.idle_bytes
        verdict = "inside" if self.is_bounded else "OUTSIDE"
        return [
            f"{self.orders:,} different orders in {self.seconds:.0f} s, {AT_ONCE} at once.",
            f"Resident set: idle {self.idle_bytes / MIB:.0f} MiB, peak {self.peak_bytes / MIB:.0f} MiB, growth "
            f"{growth / MIB:.0f} MiB: {verdict} the bound of {self.bound_bytes / MIB:.0f} MiB.",
            f"Asked for again, the first order is a {self.first} and the last a {self.last}.",
        ]

    def _row(self, orders: int, resident: int) -> tuple[str, ...]:
        growth = resident - self.idle_bytes
        share = growth / self.bound_bytes
        return f"{orders:,}", f"{resident / MIB:.0f}", f"{growth / MIB:.0f}", "#" * round(share * _BAR)


async def watch_memory(orders: int) -> Growth:
    """Read the orders 1 to `orders`, each once, through a gateway with default settings."""
    bound = CacheSettings().max_bytes
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        shop = await stack.enter_async_context(Child(python("-m", "benchmarks.large_shop"), r"^(http://\S+)"))
        settings = {"karla": {"base_url": shop.answer, **_CREDENTIALS}}
        child = await stack.enter_async_context(gateway(folder / "store.db", settings))
        opened = await stack.enter_async_context(connections(child.answer, AT_ONCE))
        started = perf_counter()
        samples = [(0, child.idle_bytes), *await _read_all(opened, orders, child)]
        return Growth(
            samples=tuple(samples),
            peak_bytes=max(resident for _, resident in samples),
            bound_bytes=bound,
            last=await _origin(opened[0], orders),
            first=await _origin(opened[0], 1),
            seconds=perf_counter() - started,
        )


async def _read_all(opened: Sequence[Connection], orders: int, child: Child) -> list[tuple[int, int]]:
    """Read every order once; the resident set after every so many, and in the end."""
    numbers = iter(range(1, orders + 1))
    samples: list[tuple[int, int]] = []

    async def read(connection: Connection) -> None:
        for number in numbers:
            await connection.query(order_record(str(number)))
            if number % _SAMPLE_EVERY == 0 or number == orders:
                samples.append((number, child.usage().rss_bytes))

    await asyncio.gather(*(read(connection) for connection in opened))
    return sorted(samples)


async def _origin(connection: Connection, number: int) -> str:
    """Where the copy of order `number` comes from: HIT or MISS."""
    answer = orjson.loads(await connection.query(order_record(str(number))))["data"]["order"]
    if answer["orderNumber"] != str(number):
        raise UnexpectedAnswer(f"asked for order {number}, got {answer['orderNumber']}")
    origin: str = answer["sources"][0]["cache"]
    return origin
