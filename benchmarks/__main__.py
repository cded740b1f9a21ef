"""The command: `python -m benchmarks [SUBJECT …] [--write]`, or `make bench ARGS="peers --write"`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from benchmarks import costs, fanout, growth, imports, limits, memory, mixed, pages, workers
from benchmarks.chart import draw
from benchmarks.client import UnexpectedAnswer
from benchmarks.laps import Extent
from benchmarks.peers import standings
from benchmarks.peers.race import race
from benchmarks.processes import ChildFailed
from benchmarks.report import CHART, Outcome, Table, section, tell, write_section
from benchmarks.toolchain import ToolMissing, node_versions
from gateway.cli.output import print_plain


class Subject(StrEnum):
    """What to measure."""

    PEERS = "peers"
    FANOUT = "fanout"
    GROWTH = "growth"
    WORKERS = "workers"
    MIXED = "mixed"
    MEMORY = "memory"
    PAGES = "pages"
    COSTS = "costs"
    IMPORT = "import"
    LIMITS = "limits"


SIDE_BY_SIDE = (Subject.PEERS, Subject.FANOUT, Subject.GROWTH, Subject.WORKERS, Subject.MIXED)
"""What is measured when nothing is named: all that is held against somebody else, or against a promise of speed."""


@dataclass(frozen=True, slots=True)
class Request:
    """How much to measure. `orders` means something else for each subject, or nothing."""

    extent: Extent
    orders: int | None


async def _peers(request: Request) -> Outcome:
    found = standings.Standings(await race(request.extent))
    ratios = Table("Requests per second against others in the same run", standings.RATIO_COLUMNS, found.ratio_rows())
    by_cpu = Table("The same by what a second of CPU time does", standings.RATIO_COLUMNS, found.cpu_ratio_rows())
    everyone = Table("Everyone", standings.COLUMNS, found.rows())
    chart = draw(
        "GraphQL servers over the same upstream",
        "Requests per second on one core, 16 at a time: median and range of the rounds. Logarithmic; right is faster.",
        found.panels(),
    )
    notes = [f"The others: {await node_versions()}."]
    return Outcome([ratios, by_cpu, everyone], notes, found.is_as_promised(), chart)


async def _fanout(request: Request) -> Outcome:
    found = await fanout.time_fan_out(request.extent)
    table = Table("One order from three providers, 64 at a time", fanout.COLUMNS, found.rows())
    return Outcome([table], found.summary(), found.is_as_promised)


async def _growth(request: Request) -> Outcome:
    held = await growth.time_cached(request.extent, request.orders or growth.MOST_CACHED)
    shapes = await growth.time_shapes(request.extent)
    return Outcome(
        [
            Table("Orders in the cache", growth.CACHED_COLUMNS, [one.row() for one in held]),
            Table("Parcels and events of one order", growth.SIZE_COLUMNS, shapes),
        ]
    )


async def _workers(request: Request) -> Outcome:
    found = await workers.time_workers(request.extent)
    table = Table("Two workers beside one", workers.COLUMNS, found.rows())
    return Outcome([table], is_as_promised=found.is_as_promised)


async def _mixed(request: Request) -> Outcome:
    found = await mixed.time_mixed_load(request.orders or mixed.ORDERS)
    return Outcome([Table("Mixed load", mixed.COLUMNS, [found.row()])])


async def _memory(request: Request) -> Outcome:
    found = await memory.watch_memory(request.orders or 100_000)
    table = Table(f"Resident set while {found.orders:,} orders are read", memory.COLUMNS, found.rows())
    return Outcome([table], found.summary(), found.is_bounded)


async def _pages(request: Request) -> Outcome:
    extent = pages.Extent(request.extent.rounds, request.extent.seconds, request.orders or pages.ORDERS)
    return Outcome([Table("Order page and list of 30 orders", pages.COLUMNS, await pages.time_pages(extent))])


async def _costs(request: Request) -> Outcome:
    rows = await costs.measure_costs(request.extent.rounds * costs.REQUESTS)
    return Outcome([Table("CPU time of a warm request, by layer", costs.COLUMNS, rows)])


async def _import(request: Request) -> Outcome:
    rows = await imports.time_imports(request.orders or imports.LONGEST)
    return Outcome([Table("Rows that are moved in", imports.COLUMNS, rows)])


async def _limits(_request: Request) -> Outcome:
    return Outcome([Table("Operations held to their limits", limits.COLUMNS, await limits.measure_limits())])


MEASUREMENTS: Mapping[Subject, Callable[[Request], Awaitable[Outcome]]] = {
    Subject.PEERS: _peers,
    Subject.FANOUT: _fanout,
    Subject.GROWTH: _growth,
    Subject.WORKERS: _workers,
    Subject.MIXED: _mixed,
    Subject.MEMORY: _memory,
    Subject.PAGES: _pages,
    Subject.COSTS: _costs,
    Subject.IMPORT: _import,
    Subject.LIMITS: _limits,
}


def benchmark(
    subjects: Annotated[
        list[Subject] | None,
        typer.Argument(
            help="Left out: peers fanout growth workers mixed, some 15 minutes. "
            "peers: other GraphQL servers, some 7. fanout: three providers at once, 1. growth: cached orders, parcels "
            "and events, 5. workers: two beside one, 1. mixed: a shop's day, 2. memory: bound of the cache, 15. "
            "pages: order page and list over the simulators, 2. costs: layers, 1. import: rows moved in, 10. "
            "limits: what operations may cost, 1."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that every figure is taken from.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.01, help="Length of each lap of a round.")] = 2.0,
    orders: Annotated[
        int | None,
        typer.Option(
            min=60,
            help="Orders in the world of `pages` (6,000), read by `memory` and `growth` (100,000) or asked for by "
            "`mixed` (10,000), or rows of `import` (10,000).",
        ),
    ] = None,
    write: Annotated[bool, typer.Option(help="Put the result into docs/performance.md and its chart.")] = False,
) -> None:
    """Measure the gateway on this machine. Linux only."""
    request = Request(Extent(rounds, seconds), orders)
    kept = [_measure(subject, request, write=write) for subject in subjects or SIDE_BY_SIDE]
    if not all(kept):
        raise typer.Exit(1)


def _measure(subject: Subject, request: Request, *, write: bool) -> bool:
    """Measure, tell and perhaps write one subject; whether what is promised of it was kept."""
    try:
        outcome = asyncio.run(_outcome(subject, request))
    except (ChildFailed, ToolMissing, UnexpectedAnswer) as error:
        print(f"benchmarks: {subject}: {error}", file=sys.stderr)
        return False
    tell(outcome)
    if write:
        _write(subject, outcome)
    return outcome.is_as_promised


async def _outcome(subject: Subject, request: Request) -> Outcome:
    return await MEASUREMENTS[subject](request)


def _write(subject: Subject, outcome: Outcome) -> None:
    write_section(subject.value, section(outcome, _command()))
    if outcome.chart is not None:
        CHART.write_text(outcome.chart)
        print_plain(f"wrote {CHART}")


def _command() -> str:
    return " ".join(["python -m benchmarks", *sys.argv[1:]])


if __name__ == "__main__":
    typer.run(benchmark)
