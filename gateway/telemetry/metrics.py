"""The figures of `names.py` as Prometheus's client counts them, for one process or for several that serve one port.

Each is an object of this module, used where the thing happens: `counted(ERRORS, code).inc()`. What happens in every
request is counted in plain numbers (`tallies.py`) that the library is told when somebody looks. With several workers
each tells them every `TELL_SECONDS` to files of a folder that they share (`shared_by_workers`), and whichever is asked
waits as long and adds them up, because nobody can choose which worker answers: that is the client library's own
multiprocess mode. So there is no figure that only a process can know of itself, such as its memory; those are the
container's or the machine's to tell.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway.telemetry import names
from gateway.telemetry.names import Metric, Workers
from gateway.telemetry.tallies import Level, Spread, Tallies, Tally

_FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's own. It is read when that is imported, so it must be set before a worker starts."""

TELL_SECONDS: Final = 0.1
"""How old the figures of a worker may be where the others see them. Telling takes some 0.2 ms."""

_REGISTRY: Final = CollectorRegistry()

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series beside each counter, and none with several workers

_MODES: Final[Mapping[Workers, Literal["livesum", "mostrecent", "livemax"]]] = {
    "sum": "livesum",
    "latest": "mostrecent",
    "highest": "livemax",
}


def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.description, metric.labels, registry=_REGISTRY)


def _gauge(metric: Metric) -> Gauge:
    mode = _MODES[metric.workers]
    return Gauge(metric.name, metric.description, metric.labels, registry=_REGISTRY, multiprocess_mode=mode)


def _histogram(metric: Metric) -> Histogram:
    return Histogram(metric.name, metric.description, metric.labels, registry=_REGISTRY, buckets=metric.buckets)


HTTP_REQUESTS = _counter(names.HTTP_REQUESTS)
HTTP_DURATION = _histogram(names.HTTP_DURATION)
HTTP_IN_FLIGHT = _gauge(names.HTTP_IN_FLIGHT)
HTTP_SHED = _counter(names.HTTP_SHED)
HTTP_RATE_LIMITED = _counter(names.HTTP_RATE_LIMITED)
CLIENT_REQUESTS = _counter(names.CLIENT_REQUESTS)
OPERATIONS = _counter(names.OPERATIONS)
OPERATION_DURATION = _histogram(names.OPERATION_DURATION)
ERRORS = _counter(names.ERRORS)
PROVIDER_CALLS = _counter(names.PROVIDER_CALLS)
PROVIDER_CALL_DURATION = _histogram(names.PROVIDER_CALL_DURATION)
PROVIDER_ATTEMPT_DURATION = _histogram(names.PROVIDER_ATTEMPT_DURATION)
PROVIDER_CIRCUIT_OPEN = _gauge(names.PROVIDER_CIRCUIT_OPEN)
PROVIDER_UNKNOWN_WORDS = _counter(names.PROVIDER_UNKNOWN_WORDS)
CACHE_LOADS = _counter(names.CACHE_LOADS)
CACHE_AGE = _histogram(names.CACHE_AGE)
CACHE_CIRCUIT_OPEN = _gauge(names.CACHE_CIRCUIT_OPEN)
CACHE_FAILURES = _counter(names.CACHE_FAILURES)
REGISTRATION_ATTEMPTS = _counter(names.REGISTRATION_ATTEMPTS)
REGISTRATION_STEPS = _gauge(names.REGISTRATION_STEPS)
REGISTRATION_OLDEST_DUE = _gauge(names.REGISTRATION_OLDEST_DUE)
STORE_UP = _gauge(names.STORE_UP)
EVENT_LOOP_LAG = _histogram(names.EVENT_LOOP_LAG)
BUILD_INFO = _gauge(names.BUILD_INFO)


_TALLIES: Final = Tallies()


@cache
def counted(counter: Counter, *labels: str) -> Tally:
    """The one of `counter` with these values of its labels, of which there are few."""
    tally = Tally(counter.labels(*labels) if labels else counter)
    _TALLIES.add(tally)
    return tally


@cache
def spread(histogram: Histogram, *labels: str) -> Spread:
    """The one of `histogram` with these values of its labels, of which there are few."""
    labelled = histogram.labels(*labels) if labels else histogram
    made = Spread(labelled, labelled._upper_bounds[:-1])  # the last one is infinite
    _TALLIES.add(made)
    return made


@cache
def level(gauge: Gauge) -> Level:
    """What goes up and down in `gauge`, which has no labels."""
    made = Level(gauge)
    _TALLIES.add(made)
    return made


@asynccontextmanager
async def telling_others() -> AsyncIterator[None]:
    """While what is inside runs, have other workers see what this one counts, where there are any."""
    if not _is_shared():
        yield
        return
    telling = asyncio.create_task(_tell_now_and_then())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait({telling})
        tell()


async def others_told() -> None:
    """Return when the other workers, where there are any, have told what they have counted by now."""
    if _is_shared():
        await asyncio.sleep(TELL_SECONDS)


async def _tell_now_and_then() -> None:
    while True:
        tell()
        await asyncio.sleep(TELL_SECONDS)


def tell() -> None:
    """Tell the client library what this process has counted. Safe in any thread."""
    _TALLIES.tell()


def _is_shared() -> bool:
    return _FOLDER_VARIABLE in os.environ


def exposition(accept: str = "") -> tuple[bytes, str]:
    """Every figure as Prometheus reads it, with the media type; which of its formats, `accept` says.

    Reads the files of all workers when there are several, so it may take some milliseconds, and is safe in a thread.
    """
    tell()
    encode, media_type = choose_encoder(accept)
    return encode(_registry()), media_type


@contextmanager
def shared_by_workers() -> Iterator[None]:
    """Have the processes that are started inside count together."""
    with tempfile.TemporaryDirectory(prefix="trackgraph-metrics-") as folder:
        os.environ[_FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER_VARIABLE]


def _registry() -> CollectorRegistry:
    folder = os.environ.get(_FOLDER_VARIABLE)
    if folder is None:
        return _REGISTRY
    _forget_dead_workers(Path(folder))
    shared = CollectorRegistry()
    MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
    return shared


def _forget_dead_workers(folder: Path) -> None:
    """Drop what only a living process has, such as requests in flight. What the dead ones counted stays counted."""
    for pid in {int(match[1]) for file in folder.glob("gauge_live*.db") if (match := _PID.search(file.name))}:
        if not _is_alive(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


_PID = re.compile(r"_(\d+)\.db$")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing; asks whether it could
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
