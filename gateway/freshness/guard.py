"""A sick cache must not make a query sick: time limits and a breaker around a shared storage.

Every operation has a limit, counted from its turn: a queue of our own making is no sign of a sick server. After one
failure the breaker is open: nothing is waited for, reads find nothing, and the server is probed in the background until
it answers again. What was invalidated meanwhile is told to it before it is used again. Knows no protocol; the storage
inside says `StorageUnavailable`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from gateway.freshness.stamps import NEVER, TagStamps
from gateway.joint_lookups import JointLookups
from gateway.telemetry import observing

T = TypeVar("T")

_log = logging.getLogger(__name__)

_STAMPS_LIMIT = 20_000
"""Tags whose invalidation this process remembers by itself; about 6 MB."""


class StorageUnavailable(Exception):
    """The storage could not do what it was asked. The message is the class name of the cause."""


class Found(NamedTuple):
    """Payloads by key and stamps by tag, of those that there are."""

    payloads: Mapping[str, bytes]
    stamps: Mapping[str, int]

    def latest(self, tags: Collection[str]) -> int:
        """The latest stamp of `tags`."""
        return max((self.stamps.get(tag, NEVER) for tag in tags), default=NEVER)


NOTHING: Final = Found({}, {})

Name = tuple[str, str]
"""`_ENTRY` and a key, or `_STAMP` and a tag."""

_ENTRY: Final = "entry"
_STAMP: Final = "stamp"


class SharedStorage(Protocol):
    """What can be guarded: a storage outside the process. Every method may raise `StorageUnavailable`, or hang."""

    async def read(self, keys: Collection[str], tags: Collection[str]) -> Found: ...
    async def write(self, key: str, payload: bytes, seconds: float) -> None: ...
    async def delete(self, key: str) -> None: ...
    async def stamp(self, stamps: dict[str, int], seconds: float) -> None: ...
    async def take_lease(self, key: str, token: str, seconds: float) -> bool: ...
    async def release_lease(self, key: str, token: str) -> None: ...
    async def run(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any: ...
    async def ping(self) -> None: ...
    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class GuardTiming:
    """Seconds. `operation` limits one operation; a look-up has two at most, so it is half of what a look-up may cost.

    Probes come after `first_probe`, then at doubling intervals up to `longest_probe`; each may take `probe`, longer
    than an operation because it may have to connect. The cache is thus back within `longest_probe + probe`.
    """

    operation: float = 0.075
    first_probe: float = 0.25
    longest_probe: float = 5.0
    probe: float = 1.0


CONCURRENT_OPERATIONS = 16
"""More at once only wait for each other on this one event loop, and each needs a connection."""

CONCURRENT_READS = 8
"""Of several requests each. With fewer, all requests of a busy process would wait for the same answer."""

_TICKS = 5


class GuardedStorage:
    """A shared storage that never fails and never makes anyone wait for long.

    Invalidations hold in this process at once, whatever the state of the storage, and in the others as soon as it can
    be reached. While another worker is cut off from the storage, its invalidations are not known here.
    """

    shared = True

    def __init__(self, inner: SharedStorage, timing: GuardTiming) -> None:
        self._inner = inner
        self._timing = timing
        self._stamps = TagStamps(_STAMPS_LIMIT)
        self._stamps_seconds = 0.0
        self._untold: int | None = None
        self._prober: asyncio.Task[None] | None = None
        self._turns = asyncio.Semaphore(CONCURRENT_OPERATIONS)
        self._reads: JointLookups[Name, Found] = JointLookups(self._read, CONCURRENT_READS)
        observing.cache_back()

    @property
    def is_down(self) -> bool:
        """Whether the breaker is open: the storage is left alone until a probe succeeds."""
        return self._prober is not None

    def glance(self, key: str, tags: Collection[str]) -> None:
        """Nothing: other processes write to it, so that it has to be asked."""

    async def read(self, key: str, tags: Collection[str]) -> tuple[bytes | None, int]:
        found = await self._found((_ENTRY, key), *_stamps_of(tags))
        return found.payloads.get(key), max(found.latest(tags), self._stamps.latest(tags))

    async def latest_stamp(self, tags: Collection[str]) -> int:
        found = await self._found(*_stamps_of(tags)) if tags else NOTHING
        return max(found.latest(tags), self._stamps.latest(tags))

    async def _found(self, *names: Name) -> Found:
        """What there is of `names`. Reads of many requests are one command, which takes 0.2 ms of CPU."""
        return await self._reads.find(*names) if self._prober is None else NOTHING

    async def _read(self, names: Collection[Name]) -> Found:
        keys = [text for kind, text in names if kind == _ENTRY]
        tags = [text for kind, text in names if kind == _STAMP]
        return await self._guarded(lambda: self._inner.read(keys, tags), NOTHING)

    async def write(self, key: str, payload: bytes, seconds: float) -> None:
        await self._guarded(lambda: self._inner.write(key, payload, seconds), None)

    async def delete(self, key: str) -> None:
        await self._guarded(lambda: self._inner.delete(key), None)

    async def stamp(self, tags: Collection[str], instant: int, seconds: float) -> None:
        self._stamps.note(tags, instant, seconds)
        self._stamps_seconds = seconds
        told = await self._guarded(lambda: self._tell(dict.fromkeys(tags, instant)), False)
        if not told:
            self._untold = instant if self._untold is None else min(instant, self._untold)

    async def take_lease(self, key: str, token: str, seconds: float) -> bool:
        # Without the storage there is nobody to agree with: everyone asks for themselves.
        return await self._guarded(lambda: self._inner.take_lease(key, token, seconds), True)

    async def release_lease(self, key: str, token: str) -> None:
        await self._guarded(lambda: self._inner.release_lease(key, token), None)

    async def run(self, script: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any | None:
        """What `script` answers; None when the server cannot be asked."""
        return await self._guarded(lambda: self._inner.run(script, names, arguments), None)

    async def aclose(self) -> None:
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.wait({self._prober})
        await self._reads.aclose()
        try:
            async with _limited(self._timing.probe):
                await self._inner.aclose()
        except (StorageUnavailable, TimeoutError) as error:
            _log.warning("the shared cache was not closed in order (%s)", _reason(error))

    async def _guarded(self, operation: Callable[[], Awaitable[T]], otherwise: T) -> T:
        if self._prober is not None:
            return otherwise
        async with self._turns:
            if self._prober is not None:  # opened by one before us
                return otherwise
            try:
                async with _limited(self._timing.operation):
                    return await operation()
            except (StorageUnavailable, TimeoutError) as error:
                self._open(error)
                return otherwise

    async def _tell(self, stamps: dict[str, int]) -> bool:
        await self._inner.stamp(stamps, self._stamps_seconds)
        return True

    def _open(self, error: Exception) -> None:
        if self._prober is None:
            _log.warning("the shared cache does not answer (%s); going on without it", _reason(error))
            observing.cache_lost()
            self._prober = asyncio.create_task(self._probe_until_back(), name="cache-probe")

    async def _probe_until_back(self) -> None:
        pause = self._timing.first_probe
        await asyncio.sleep(pause)
        while not await self._is_back():
            pause = min(pause * 2, self._timing.longest_probe)
            await asyncio.sleep(pause)
        self._prober = None
        observing.cache_back()
        _log.info("the shared cache answers again")

    async def _is_back(self) -> bool:
        try:
            async with _limited(self._timing.probe):
                await self._inner.ping()
                await self._tell_untold()
        except (StorageUnavailable, TimeoutError):
            return False
        return True

    async def _tell_untold(self) -> None:
        while (since := self._untold) is not None:
            self._untold = None
            try:
                await self._tell(self._stamps.since(since))
            except BaseException:
                self._untold = since
                raise


def _stamps_of(tags: Collection[str]) -> Iterator[Name]:
    return ((_STAMP, tag) for tag in tags)


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` after `seconds` in which this process could have noticed an answer.

    Counted in ticks of the event loop: while it is busy with something else for longer than a tick, as when a large
    page is built, the answer may be there unread, and all of that time counts as one tick.
    """
    loop = asyncio.get_running_loop()
    pause = seconds / _TICKS
    async with asyncio.timeout(None) as scope:
        timer = loop.call_later(pause, lambda: tick(_TICKS - 1))

        def tick(left: int) -> None:
            nonlocal timer
            if left == 0:
                scope.reschedule(loop.time())
            else:
                timer = loop.call_later(pause, tick, left - 1)

        try:
            yield
        finally:
            timer.cancel()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
