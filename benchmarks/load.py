"""One round of load: so many requests at once for so long, and what it cost the process that answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter

from benchmarks.client import Connection
from benchmarks.processes import Child

_SETTLING_SECONDS = 0.1
"""Work behind the answers (the index of tracking numbers) belongs to the requests that caused it."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed. Latencies in milliseconds, CPU time of the gateway's process alone."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


async def run_round(
    connections: Sequence[Connection], bodies: Iterator[bytes], seconds: float, gateway: Child
) -> Round:
    """Keep every connection busy with the next of `bodies` until `seconds` are over, or `bodies`.

    Raises `UnexpectedAnswer` for an answer with an error: a round of those would be the fastest of all.
    """
    before = gateway.usage()
    started = perf_counter()
    latencies: list[float] = []
    await asyncio.gather(*(_ask(connection, bodies, started + seconds, latencies) for connection in connections))
    took = perf_counter() - started
    await asyncio.sleep(_SETTLING_SECONDS)
    cpu_seconds = gateway.usage().cpu_seconds - before.cpu_seconds
    latencies.sort()
    return Round(
        requests=len(latencies),
        per_second=len(latencies) / took,
        p50_ms=_percentile(latencies, 50) * 1000,
        p99_ms=_percentile(latencies, 99) * 1000,
        cpu_ms=cpu_seconds / len(latencies) * 1000,
    )


async def _ask(connection: Connection, bodies: Iterator[bytes], end: float, latencies: list[float]) -> None:
    while (started := perf_counter()) < end and (body := next(bodies, None)) is not None:
        await connection.query(body)
        latencies.append(perf_counter() - started)


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` per cent of the values do not exceed."""
    return ordered[ceil(percent / 100 * len(ordered)) - 1]
