"""What is told of a run: tables at a terminal or in a pipe, a section of docs/performance.md, and a chart beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.processes import ROOT
from gateway.cli.output import print_plain, print_table

DOCUMENT = ROOT / "docs" / "performance.md"
CHART = DOCUMENT.with_suffix(".svg")

PACKAGES = (
    "strawberry-graphql",
    "graphql-core",
    "starlette",
    "uvicorn",
    "uvloop",
    "httpx",
    "aiohttp",
    "aiocache",
    "orjson",
    "pydantic",
    "sqlalchemy",
)
"""Those whose version moves the figures."""

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under the names of their columns."""

    title: str
    columns: Row
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found; `is_as_promised` is false when a promise was broken, and `chart` is an SVG document."""

    tables: Sequence[Table]
    notes: Sequence[str] = ()
    is_as_promised: bool = True
    chart: str | None = None


def tell(outcome: Outcome) -> None:
    """Print the tables, and the notes below them."""
    for table in outcome.tables:
        print_table(table.title, table.columns, table.rows)
    for note in outcome.notes:
        print_plain(note)


def section(outcome: Outcome, command: str) -> str:
    """The same as Markdown, with when, how and on what it was measured. A single table goes without its title."""
    blocks = [f"Measured on {datetime.now(UTC):%d %B %Y} by `{command}` on {machine()}; {versions()}."]
    for table in outcome.tables:
        if len(outcome.tables) > 1:
            blocks.append(f"**{table.title}**")
        blocks.append("\n".join(map(_line, (table.columns, ["---"] * len(table.columns), *table.rows))))
    if outcome.notes:
        blocks.append("\n".join(outcome.notes))
    return "\n\n".join(blocks)


def write_section(name: str, text: str, document: Path = DOCUMENT) -> None:
    """Put `text` between the marks of the section `name`. Raises `ValueError` when `document` has no such marks."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, has_begin, rest = document.read_text().partition(begin)
    _old, has_end, behind = rest.partition(end)
    if not (has_begin and has_end):
        raise ValueError(f"{document} has no section {begin} … {end}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{behind}")


def machine() -> str:
    """The machine, as far as it matters here."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    return f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def versions() -> str:
    """The interpreter and the packages that do the work."""
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"{platform.python_implementation()} {platform.python_version()}, {packages}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _line(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"
