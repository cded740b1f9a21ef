"""The command: `python -m benchmarks [pages|memory|costs|import|limits]`, or `make bench ARGS="memory --write"`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from benchmarks import costs, imports, limits, memory, pages
from benchmarks.client import UnexpectedAnswer
from benchmarks.processes import ChildFailed
from benchmarks.report import section, tell, write_section


class Subject(StrEnum):
    """What to measure."""

    PAGES = "pages"
    MEMORY = "memory"
    COSTS = "costs"
    IMPORT = "import"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found; `is_as_promised` is false when a promise was broken."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    is_as_promised: bool = True


def benchmark(
    subject: Annotated[
        Subject,
        typer.Argument(
            help="pages: speed, some 2 minutes. memory: bound of the cache, some 15. costs: layers, some 1. "
            "import: rows moved in, some 10. limits: what operations may cost, some 1."
        ),
    ] = Subject.PAGES,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that every figure is taken from.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="Length of a round of `pages`.")] = 2.0,
    orders: Annotated[
        int | None,
        typer.Option(
            min=300,
            help="Orders in the world of `pages` (6,000) or read by `memory` (100,000), or rows of `import` (10,000).",
        ),
    ] = None,
    write: Annotated[bool, typer.Option(help="Put the result into docs/performance.md.")] = False,
) -> None:
    """Measure the gateway on this machine. Linux only."""
    try:
        outcome = asyncio.run(_measure(subject, rounds, seconds, orders))
    except (ChildFailed, UnexpectedAnswer) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    tell(outcome.title, outcome.columns, outcome.rows, outcome.notes)
    if write:
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        write_section(subject.value, section(outcome.columns, outcome.rows, outcome.notes, command))
    if not outcome.is_as_promised:
        raise typer.Exit(1)


async def _measure(subject: Subject, rounds: int, seconds: float, orders: int | None) -> Outcome:
    match subject:
        case Subject.PAGES:
            extent = pages.Extent(rounds, seconds, orders or pages.ORDERS)
            return Outcome("Order page and list of 30 orders", pages.COLUMNS, await pages.time_pages(extent))
        case Subject.MEMORY:
            growth = await memory.watch_memory(orders or 100_000)
            title = f"Resident set while {growth.orders:,} orders are read"
            return Outcome(title, memory.COLUMNS, growth.rows(), growth.summary(), growth.is_bounded)
        case Subject.COSTS:
            rows = await costs.measure_costs(rounds * costs.REQUESTS)
            return Outcome("CPU time of a warm request, by layer", costs.COLUMNS, rows)
        case Subject.IMPORT:
            moved = await imports.time_imports(orders or imports.LONGEST)
            return Outcome("Rows that are moved in", imports.COLUMNS, moved)
        case Subject.LIMITS:
            return Outcome("Operations held to their limits", limits.COLUMNS, await limits.measure_limits())


if __name__ == "__main__":
    typer.run(benchmark)
