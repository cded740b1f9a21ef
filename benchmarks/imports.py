"""Moves files of rows in with `trackgraph import`, a process for each: how long that takes, and how much memory.

Every row is a parcel that Karla is told of; six orders in ten have a PayPal order, whose capture PayPal is asked for
first, and one in three has an invoice, so that Billink is told too.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
import orjson

from benchmarks.gateways import SHOP
from benchmarks.processes import ROOT, Child, ChildFailed, python
from providers.simulation.server import simulator_settings

LONGEST = 10_000
"""Rows of the longer file. The shorter one has a tenth: memory is flat when it does not follow."""

ORDERS = 2_000
"""In the simulated world: each has several parcels in a long file."""

COLUMNS = ("rows", "steps", "seconds", "rows/s", "steps/s", "CPU ms/row", "peak MiB")

_HEADER = ("order_number", "paypal_order_id", "invoice_number", "tracking_number", "carrier")
_COMMAND = "from gateway.cli import main; main()"
_CHECKED = "trackgraph: checking: 100 %"
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Moved:
    """What it took to move one file in: `seconds` from its being checked to the end, CPU and memory of the process."""

    rows: int
    steps: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of `COLUMNS`."""
        return (
            f"{self.rows:,}",
            f"{self.steps:,}",
            f"{self.seconds:.0f}",
            f"{self.rows / self.seconds:.0f}",
            f"{self.steps / self.seconds:.0f}",
            f"{self.cpu_seconds * 1000 / self.rows:.1f}",
            f"{self.peak_bytes / _KIB / _KIB:.0f}",
        )


async def time_imports(longest: int = LONGEST) -> list[tuple[str, ...]]:
    """A row of `COLUMNS` for a file of a tenth of `longest` rows, and for one of `longest`.

    Raises `ChildFailed` when a row is not done at a provider.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trackgraph-bench-")))
        orders = min(ORDERS, longest)
        child = Child(python("-m", "benchmarks.simulators", str(orders)), r"^(\{.*\})$")
        simulators = await stack.enter_async_context(child)
        urls: dict[str, str] = orjson.loads(simulators.answer)
        names = await _orders(urls["karla"])
        moved = []
        for rows in (max(longest // 10, 1), longest):
            file = _write(folder / f"{rows}.csv", names, rows)
            moved.append(await asyncio.to_thread(_move_in, file, rows, _environment(folder / f"{rows}.db", urls)))
        return [each.cells for each in moved]


async def _orders(karla: str) -> list[Mapping[str, str | None]]:
    """What each order of the world is called in every system."""
    async with httpx.AsyncClient(timeout=60) as client:
        names: list[Mapping[str, str | None]] = (await client.get(f"{karla}/_simulator/orders")).json()
        return names


def _write(file: Path, orders: Sequence[Mapping[str, str | None]], rows: int) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(_HEADER)
        for place in range(rows):
            number = place % len(orders)
            order = orders[number]
            invoice = order["number"] if number % 3 == 0 else None
            writer.writerow((order["number"], order["paypal_order_id"], invoice, f"BENCH{place:09}", "dhl"))
    return file


def _environment(store: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """The settings of the import: the defaults, but for where things are."""
    tables = simulator_settings(urls)
    shop = {
        f"TRACKGRAPH_SHOPS__{SHOP}__{provider}__{key}".upper(): value
        for provider, table in tables.items()
        for key, value in table.items()
    }
    return {**os.environ, "TRACKGRAPH_STORE__URL": f"sqlite+aiosqlite:///{store}", **shop}


def _move_in(file: Path, rows: int, environment: Mapping[str, str]) -> Moved:
    command = [sys.executable, "-c", _COMMAND, "import", str(file)]
    process = Popen(command, cwd=ROOT, env=environment, stdout=PIPE, stderr=STDOUT, text=True)  # noqa: S603  # our own
    assert process.stdout is not None
    said = []
    started = perf_counter()
    for line in process.stdout:
        said.append(line)
        if line.startswith(_CHECKED):
            started = perf_counter()
    seconds = perf_counter() - started
    _pid, status, usage = os.wait4(process.pid, 0)  # of this child alone, its peak included
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildFailed(f"trackgraph import ended with {process.returncode}:\n{''.join(said)}")
    steps = sum(int(line.split("\t")[1]) for line in said if line.count("\t") and not line.startswith("provider"))
    return Moved(rows, steps, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB)
