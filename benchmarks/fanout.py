"""One order from three providers, each asked anew, beside a program that does nothing but ask the three.

Karla by the order's number, PayPal by its link, HyperTrack by the rule; caches off, 64 requests at a time, each about
another order than those in flight with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.client import UnexpectedAnswer, connections
from benchmarks.gateways import gateway, link_to_paypal
from benchmarks.laps import Extent, Lap, Line, median_lap, run_laps
from benchmarks.processes import Child, pinned, python, start_all
from benchmarks.shop_data import order_json, order_number
from benchmarks.toolchain import LOAD_CORE, SERVER_CORE, install_tools
from benchmarks.upstream import ALL_ORDERS, ANY_NUMBER, Upstream, upstream
from benchmarks.wrk import write_lines

AT_ONCE = 64
DIFFERENT = 1000
"""Orders that are asked for in turn."""

LEAST_SHARE = 1 / 3
"""Of the bare program's requests per second, what the gateway must answer."""

PROVIDERS = {"karla", "paypal", "hypertrack"}

COLUMNS = ("program", "requests/s", "(lowest to highest)", "p50 ms", "p99 ms", "CPU µs/request", "calls/request")

DOCUMENT = """\
query FanOut($number: String!) {
  order(by: {orderNumber: $number}) {
    orderNumber placedAt
    trackings { trackingNumber status provider { name } }
  }
}"""

_NO_CACHES = {"cache.objects": "false", "cache.pieces": "false", "cache.answers": "false"}
_CREDENTIALS = {
    "paypal": {"client_id": "bench", "client_secret": "none"},
    "hypertrack": {"account_id": "bench", "secret_key": "none"},
}


@dataclass(frozen=True, slots=True)
class FanOut:
    """The laps of the gateway and of the bare program."""

    gateway: Sequence[Lap]
    bare: Sequence[Lap]

    @property
    def share(self) -> float:
        """The gateway's requests per second as a share of the bare program's."""
        return median_lap(self.gateway).per_second / median_lap(self.bare).per_second

    @property
    def is_as_promised(self) -> bool:
        return self.share >= LEAST_SHARE

    def rows(self) -> list[tuple[str, ...]]:
        """The rows of `COLUMNS`."""
        return [_row("Trackgraph", self.gateway), _row("bare aiohttp", self.bare)]

    def summary(self) -> list[str]:
        """What the rows come to, in a sentence."""
        verdict = "at least" if self.is_as_promised else "LESS THAN"
        return [f"The gateway answers {self.share:.2f} of what bare aiohttp does: {verdict} a third."]


async def time_fan_out(extent: Extent) -> FanOut:
    """Time both side by side. Raises `UnexpectedAnswer` when an answer is not made of all three providers."""
    await install_tools()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        source = await stack.enter_async_context(upstream(folder, {ALL_ORDERS: order_json(ANY_NUMBER)}, core=LOAD_CORE))
        numbers = [order_number(place) for place in range(DIFFERENT)]
        # PayPal's double calls its orders as Karla's does.
        await link_to_paypal(folder / "store.db", [(number, number) for number in numbers])
        children = [_gateway(folder / "store.db", source), _bare(source)]
        await start_all(stack, children)
        bodies = [orjson.dumps({"query": DOCUMENT, "variables": {"number": number}}) for number in numbers]
        await _check(children[0], bodies[0])
        file = write_lines(folder / "bodies", bodies)
        lines = [
            Line(name, child, f"{child.answer}/graphql", file, at_once=AT_ONCE)
            for name, child in zip(("gateway", "bare aiohttp"), children, strict=True)
        ]
        laps = await run_laps("fan-out", lines, source, extent)
        return FanOut(laps[lines[0]], laps[lines[1]])


def _gateway(store: Path, source: Upstream) -> Child:
    accounts = {name: {"base_url": source.url, **given} for name, given in _CREDENTIALS.items()}
    providers = {
        name: {**account, "concurrency": str(AT_ONCE)} for name, account in {"karla": source.karla, **accounts}.items()
    }
    return gateway(store, providers, _NO_CACHES, SERVER_CORE)


def _bare(source: Upstream) -> Child:
    options = ["--port", "0", "--no-access-log", "--lifespan", "off"]
    command = python("-m", "uvicorn", "benchmarks.bare_fanout:app", *options)
    return Child(pinned(command, SERVER_CORE), r"running on (http://\S+)", {"UPSTREAM": source.url})


async def _check(child: Child, body: bytes) -> None:
    async with connections(child.answer, 1) as (connection,):
        trackings = orjson.loads(await connection.query(body))["data"]["order"]["trackings"]
    missing = PROVIDERS - {tracking["provider"]["name"] for tracking in trackings}
    if missing:
        raise UnexpectedAnswer(f"nothing from {', '.join(missing)}")


def _row(name: str, laps: Sequence[Lap]) -> tuple[str, ...]:
    middle = median_lap(laps)
    rates = [lap.per_second for lap in laps]
    return (
        name,
        f"{middle.per_second:,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        f"{middle.p50_ms:.1f}",
        f"{middle.p99_ms:.1f}",
        f"{middle.cpu_us:,.0f}",
        f"{middle.calls_per_request:.2f}",
    )
