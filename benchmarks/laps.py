"""Servers under wrk's load, in rounds that visit each line of work once: what else the machine does meets all alike.

Where a server has one processor for itself, load and upstream share the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.client import UnexpectedAnswer
from benchmarks.processes import Child
from benchmarks.toolchain import LOAD_CORE
from benchmarks.upstream import Upstream
from benchmarks.wrk import Load, run_wrk
from gateway.cli.progress import Progress

_LONGER = (1, 4, 16)
"""Times its length that a lap is run for, until there is an answer."""

_IDLE_SECONDS = 0.1
_IDLE_LOOKS = 50
_IDLE_SHARE = 0.25
"""Of a processor, what an idle server may take; the clock that this is read from ticks 100 times a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of work: a server, where it is asked, and the files of what it is asked (see `run_wrk`)."""

    name: str
    child: Child
    url: str
    bodies: Path
    order: Path | None = None
    at_once: int = 16


@dataclass(frozen=True, slots=True)
class Lap:
    """One line of work in one round.

    `sent` counts the requests, with those that wrk left behind. `cpu_us` is the CPU time of a request in microseconds,
    all processes of the server together; `calls_per_request` are those that reached the upstream.
    """

    sent: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    calls_per_request: float


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: so many rounds after one that is not counted, each line for so many `seconds` in each."""

    rounds: int = 3
    seconds: float = 2.0


async def run_laps(title: str, lines: Sequence[Line], source: Upstream, extent: Extent) -> Mapping[Line, list[Lap]]:
    """The laps of each line. Raises `UnexpectedAnswer`, with the line's name, for anything but answers."""
    laps: dict[Line, list[Lap]] = {line: [] for line in lines}
    with Progress(title, (extent.rounds + 1) * len(lines)) as progress:
        for number in range(extent.rounds + 1):
            for place, line in enumerate(lines):
                lap = await run_lap(line, source, extent.seconds)
                if number > 0:
                    laps[line].append(lap)
                progress.reached(number * len(lines) + place + 1)
    return laps


async def run_lap(line: Line, source: Upstream, seconds: float) -> Lap:
    """One lap. Raises `UnexpectedAnswer` as `run_laps` does."""
    calls, before = await source.count_calls(), line.child.usage()
    load, sent = await _run_until_answered(line, seconds)
    await _become_idle(line.child)
    cpu_seconds = line.child.usage().cpu_seconds - before.cpu_seconds
    calls_made = await source.count_calls() - calls - 1  # the second count is a request, too
    return Lap(sent, load.per_second, load.p50_ms, load.p99_ms, cpu_seconds / sent * 1e6, calls_made / sent)


async def _run_until_answered(line: Line, seconds: float) -> tuple[Load, int]:
    """What wrk counted, and how many requests were sent. Longer when `seconds` are too few for a single answer.

    wrk stops with a request on every connection, and the server has its work with those, too.
    """
    sent = 0
    for longer in _LONGER:
        try:
            load = await run_wrk(
                line.url, line.bodies, seconds * longer, at_once=line.at_once, order=line.order, core=LOAD_CORE
            )
        except UnexpectedAnswer as error:
            raise UnexpectedAnswer(f"{line.name}: {error}") from None
        sent += load.requests + line.at_once
        if load.requests:
            return load, sent
    raise UnexpectedAnswer(f"{line.name}: no answer in {seconds * _LONGER[-1]:.0f} s")


async def _become_idle(child: Child) -> None:
    """Wait until `child` is done with what wrk left behind, so that it does not disturb the next; a while at most."""
    for _ in range(_IDLE_LOOKS):
        before = child.usage().cpu_seconds
        await asyncio.sleep(_IDLE_SECONDS)
        if child.usage().cpu_seconds - before < _IDLE_SECONDS * _IDLE_SHARE:
            return


def median_lap(laps: Sequence[Lap]) -> Lap:
    """The median of each figure by itself."""
    return Lap(
        round(median(lap.sent for lap in laps)),
        median(lap.per_second for lap in laps),
        median(lap.p50_ms for lap in laps),
        median(lap.p99_ms for lap in laps),
        median(lap.cpu_us for lap in laps),
        median(lap.calls_per_request for lap in laps),
    )
