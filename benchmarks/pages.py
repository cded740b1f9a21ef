"""Times the order page and the list of 30 orders, cold and warm, one request at a time and 16 at once.

Each of the four has a gateway of its own, so that memory can be told apart; all ask the same simulators. A round visits
all of them before the next begins: what else the machine does then falls on all alike.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import orjson

from benchmarks.client import Connection, connections
from benchmarks.gateways import gateway, link_to_paypal
from benchmarks.load import Round, run_round
from benchmarks.processes import Child, python, start_all
from benchmarks.questions import order_list, order_lists, order_page
from providers.simulation.server import simulator_settings

AT_ONCE = (1, 16)
"""Requests in flight."""

ORDERS = 6000
"""In the simulated world: six in ten are paid with PayPal, and so have an order page that asks all three providers."""

WARM_ORDERS = 20
"""Orders whose page is asked for again and again."""

_WARMING_SECONDS = 0.5
"""An untimed round before the timed ones: connections are opened, and the interpreter adapts to what runs often."""

COLUMNS = (
    "page",
    "copies",
    "at once",
    "requests/s",
    "(lowest to highest)",
    "p50 ms",
    "p99 ms",
    "CPU ms/request",
    "calls/request",
    "memory MiB",
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. A cold order page is asked for once only, so there must be enough `orders`."""

    rounds: int = 5
    seconds: float = 2.0
    orders: int = ORDERS


@dataclass(frozen=True, slots=True)
class Page:
    """One line of work. `next_bodies` are the requests of the next round; `primes` are sent before it, untimed."""

    name: str
    copies: str
    next_bodies: Callable[[], Iterator[bytes]]
    primes: Sequence[bytes] = ()


@dataclass(slots=True)
class _Runner:
    """A page with the gateway that answers it, and what was measured so far, by requests in flight."""

    page: Page
    gateway: Child
    rounds: dict[int, list[Round]] = field(default_factory=dict)
    calls: dict[int, list[float]] = field(default_factory=dict)


class Simulators:
    """The simulated providers, seen from outside."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.settings = simulator_settings(urls)
        self._urls = urls

    async def count_calls(self) -> int:
        """How many requests all of them have had so far."""
        return sum([orjson.loads(await self._get(name, "/_simulator/calls"))["count"] for name in self._urls])

    async def paid_orders(self) -> list[tuple[str, str]]:
        """The number and the PayPal order of each order that was paid there, the newest first."""
        orders = orjson.loads(await self._get("karla", "/_simulator/orders"))
        return [(order["number"], order["paypal_order_id"]) for order in orders if order["paypal_order_id"]]

    async def _get(self, name: str, path: str) -> bytes:
        async with connections(self._urls[name], 1) as (connection,):
            return await connection.get(path)


async def time_pages(extent: Extent) -> list[tuple[str, ...]]:
    """A row of `COLUMNS` for each page and number of requests in flight."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        child = Child(python("-m", "benchmarks.simulators", str(extent.orders)), r"(\{.*\})")
        simulators = Simulators(orjson.loads((await stack.enter_async_context(child)).answer))
        orders = await simulators.paid_orders()
        await link_to_paypal(folder / "linked.db", orders)
        runners = []
        for number, page in enumerate(_pages([number for number, _ in orders], extent)):
            store = Path(shutil.copy(folder / "linked.db", folder / f"{number}.db"))
            runners.append(_Runner(page, gateway(store, simulators.settings)))
        await start_all(stack, [runner.gateway for runner in runners])
        await _run_rounds(runners, simulators, extent)
        return [_row(runner, at_once) for runner in runners for at_once in AT_ONCE]


def _pages(numbers: Sequence[str], extent: Extent) -> list[Page]:
    warm = [order_page(number) for number in numbers[:WARM_ORDERS]]
    # The warm-up rounds take a share too.
    share = (len(numbers) - len(warm)) // ((extent.rounds + 1) * len(AT_ONCE))
    unasked = map(order_page, numbers[len(warm) :])
    lists = order_lists()
    return [
        Page("order page", "cold", lambda: islice(unasked, share)),
        Page("order page", "warm", lambda: cycle(warm), warm),
        Page("30 orders", "cold", lambda: lists),
        Page("30 orders", "warm", lambda: cycle([order_list()]), [order_list()]),
    ]


async def _run_rounds(runners: Sequence[_Runner], simulators: Simulators, extent: Extent) -> None:
    for at_once in AT_ONCE:
        for runner in runners:
            await _run(runner, at_once, min(_WARMING_SECONDS, extent.seconds), simulators, is_timed=False)
    for _ in range(extent.rounds):
        for at_once in AT_ONCE:
            for runner in runners:
                await _run(runner, at_once, extent.seconds, simulators, is_timed=True)


async def _run(runner: _Runner, at_once: int, seconds: float, simulators: Simulators, *, is_timed: bool) -> None:
    async with connections(runner.gateway.answer, at_once) as opened:
        # Twice: what was stale is served as it is, and renewed behind the answer.
        await _prime(opened[0], [*runner.page.primes, *runner.page.primes])
        calls = await simulators.count_calls()
        measured = await run_round(opened, runner.page.next_bodies(), seconds, runner.gateway)
        if is_timed:
            runner.rounds.setdefault(at_once, []).append(measured)
            runner.calls.setdefault(at_once, []).append((await simulators.count_calls() - calls) / measured.requests)


async def _prime(connection: Connection, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        await connection.query(body)


def _row(runner: _Runner, at_once: int) -> tuple[str, ...]:
    rounds = runner.rounds[at_once]
    rates = [one.per_second for one in rounds]
    idle, now = runner.gateway.idle_bytes, runner.gateway.usage().rss_bytes
    return (
        runner.page.name,
        runner.page.copies,
        str(at_once),
        f"{median(rates):.0f}",
        f"{min(rates):.0f} to {max(rates):.0f}",
        f"{median(one.p50_ms for one in rounds):.1f}",
        f"{median(one.p99_ms for one in rounds):.1f}",
        f"{median(one.cpu_ms for one in rounds):.2f}",
        f"{median(runner.calls[at_once]):.2f}",
        f"{_mib(idle)} to {_mib(now)}",
    )


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.0f}"
