"""Loading through the cache: fresh is served, stale is served and renewed behind the answer, the rest is asked once.

What is asked and how comes in as a `Lookup` and a `fetch`; how long "not found" lasts comes from the settings. Knows
nothing of what the values mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from gateway.freshness.decoded import DecodedEntries
from gateway.freshness.envelope import CacheResult, Entry, Lifetime, Loaded, Unreadable, pack, unpack
from gateway.freshness.errands import Errands
from gateway.freshness.failures import Failure, RecentFailures
from gateway.freshness.flights import FlightCancelled, Flights
from gateway.freshness.keys import CacheKey
from gateway.freshness.policy import FreshnessPolicy
from gateway.freshness.settings import FreshnessSettings
from gateway.freshness.sharing import DEFAULT_LEASE_TIMING, Handover, Leases, LeaseTiming
from gateway.freshness.stamps import Instants, TagStamps
from gateway.freshness.storage import Storage
from gateway.resilience.deadline import Deadline
from gateway.telemetry import observing
from providers.base import Clock
from providers.errors import AmbiguousReference, OrderNotFound, ProviderError, ProviderTimeout

__all__ = ["FreshCache", "LeaseTiming", "Loaded", "Lookup"]

T = TypeVar("T")

Fetch = Callable[[], Awaitable[T]]
"""Asks the provider, under a time limit of its own; raises only `ProviderError`."""

_NO_KEY = "nothing"
"""Nothing is kept under it: a `CacheKey` begins with a digit or a `#`."""

_NO_TAGS: frozenset[str] = frozenset()

_STAMP_SLACK = timedelta(hours=1)
"""Stamps outlive the entries they forbid by more than any asking can take."""

CLOCK_SLACK = timedelta(seconds=5)
"""By how much clocks of hosts that share a cache may differ, or a clock be put right, without anybody noticing."""

_CHANGES = 30_000
"""Changes that are remembered one by one, in some 10 MB at most: past that, what was made before the oldest of them
counts as changed. A page of orders that is asked for anew changes thirty."""

_CLOSING_SECONDS = 1.0
"""What a shutdown waits for answers that are on their way, so that they are kept."""


def _no_tags(_value: object) -> frozenset[str]:
    return _NO_TAGS


@dataclass(frozen=True, slots=True)
class Lookup(Generic[T]):
    """A question that may have been answered before.

    One key always goes with one type. `lifetime` says how long a value may be served. `tags` are known before asking,
    `tags_of` are learnt from the value; both are made by `order_tag` and `shop_tag`. `replaces` are those tags whose
    older copies are of no use once the value was asked for past the cache: the same thing under another name.
    """

    key: CacheKey
    codec: TypeAdapter[T]
    lifetime: Callable[[T], Lifetime]
    tags: frozenset[str] = _NO_TAGS
    tags_of: Callable[[T], frozenset[str]] = _no_tags
    replaces: Callable[[T], frozenset[str]] = _no_tags


@dataclass(frozen=True, slots=True)
class _Landing(Generic[T]):
    """How a flight ended: with an entry, with an error, or with neither (another worker has the lease)."""

    entry: Entry[T] | None = None
    error: ProviderError | None = None
    from_other_worker: bool = False


class FreshCache:
    """Answers of providers, each with how fresh it is, over one storage.

    `decoded_bytes` bounds what is held ready for use beside the storage. Without `keeps` nothing is kept and every load
    asks; those at the same time still share one asking. Values must be immutable: the same object is
    handed to every caller.
    """

    def __init__(
        self,
        storage: Storage,
        settings: FreshnessSettings,
        clock: Clock,
        *,
        decoded_bytes: int = 64 * 1024 * 1024,
        keeps: bool = True,
        lease: LeaseTiming = DEFAULT_LEASE_TIMING,
    ) -> None:
        self._storage = storage
        self._keeps = keeps
        self._clock = clock
        self._instants = Instants(clock)
        self._not_found = FreshnessPolicy(settings).not_found_lifetime()
        self._refresh_pause = settings.refresh_pause
        self._longest = settings.longest
        self._stamp_seconds = (settings.longest + _STAMP_SLACK).total_seconds()
        self._decoded = DecodedEntries(decoded_bytes)
        self._changes = TagStamps(_CHANGES)
        self._failures = RecentFailures()
        self._errands = Errands()
        self._flights: Flights[_Landing[Any]] = Flights(self._errands)
        self._handover = Handover(storage, self._errands)
        self._leases = Leases(storage, self._handover, self._errands, lease)

    async def load(
        self,
        lookup: Lookup[T],
        fetch: Fetch[T],
        *,
        deadline: Deadline,
        bypass: bool = False,
        renew: Fetch[T] | None = None,
    ) -> Loaded[T]:
        """What is known under `lookup`, asked with `fetch` where that is needed.

        A fresh copy is a HIT. A stale one is served at once as STALE and renewed behind the answer, with `error` when
        renewing it failed last. Otherwise one asking is shared by all who want the answer, and goes on when they are
        gone: MISS (HIT when another worker had asked meanwhile). `bypass` asks past the cache: BYPASS; nothing older is
        served from then on that has a tag of `lookup.replaces`, in any worker. What nobody waits for is asked with
        `renew`, where it is given.

        Raises no `ProviderError`: `OrderNotFound` is an answer without a value and kept for a while; any other error
        comes in the answer, with an old copy (STALE) where there is one that may be served. When `deadline` is over the
        error is `ProviderTimeout`. What else `fetch` raises is a defect and reaches every caller.
        """
        with observing.cache_load(lookup.key.shop, lookup.key.provider, lookup.key.operation) as notes:
            loaded = await self._load(lookup, fetch, renew or fetch, deadline, bypass=bypass)
            notes.ended(loaded.cache.value, self._age(loaded))
        return loaded

    def glance(self, lookup: Lookup[T]) -> Loaded[T] | None:
        """The fresh copy (HIT) where it is at hand in this process; None where `load` has to wait, or to ask.

        It counts as served when it is told to `note_hit`.
        """
        entry = self._at_hand(lookup)
        return entry.hit if entry is not None and self.is_fresh(entry.hit) else None

    def note_hit(self, lookup: Lookup[T], loaded: Loaded[T]) -> None:
        """Count that a fresh copy is served which `load` was not asked for."""
        key = lookup.key
        observing.copy_served(key.shop, key.provider, key.operation, CacheResult.HIT.value, self._age(loaded))

    async def _load(
        self, lookup: Lookup[T], fetch: Fetch[T], renew: Fetch[T], deadline: Deadline, *, bypass: bool
    ) -> Loaded[T]:
        key = lookup.key.text
        if bypass:
            stamp = await self._storage.latest_stamp(lookup.tags)
            return await self._ask(key, lookup, fetch, deadline, stamp, bypass=True)
        entry, stamp = await self._find(key, lookup)
        if entry is not None:
            if self.is_fresh(entry.hit):
                return entry.hit
            if self._clock() < entry.stale_until:
                self._refresh_behind(key, lookup, renew, entry, stamp)
                return self._stale(key, entry)
        return await self._ask(key, lookup, fetch, deadline, stamp, bypass=False)

    async def peek(self, lookup: Lookup[T]) -> Loaded[T] | None:
        """The fresh (HIT) or stale (STALE) copy, or None. Asks nobody, now or later."""
        key = lookup.key.text
        entry, _ = await self._find(key, lookup)
        if entry is None or self._clock() >= entry.stale_until:
            return None
        return entry.hit if self.is_fresh(entry.hit) else self._stale(key, entry)

    def is_fresh(self, loaded: Loaded[T]) -> bool:
        """Whether a copy may be served without asking. One from the future is not: it was made before the clock went
        back, and how long ago nobody can tell."""
        now = self._clock()
        is_of_now = loaded.fetched_at is not None and loaded.fetched_at <= now + CLOCK_SLACK
        return is_of_now and loaded.fresh_until is not None and now < loaded.fresh_until

    async def asked_within(self, lookup: Lookup[T], period: timedelta) -> Loaded[T] | None:
        """What the last asking gave, its error included, if it was less than `period` ago. Asks nobody."""
        key = lookup.key.text
        entry, stamp = await self._find(key, lookup)
        failure = self._failures.since(key, max(stamp, entry.asked if entry else stamp))
        if failure is not None and self._is_within(period, failure.at):
            return await self._fall_back(key, lookup, failure.error)
        if entry is None or not self._is_within(period, entry.fetched_at):
            return None
        return entry.hit if self.is_fresh(entry.hit) else self._stale(key, entry)

    async def put(self, lookup: Lookup[T], value: T, asked: int) -> None:
        """Keep `value`, learnt on the way, as the answer to `lookup`; the asking began at `asked` (see `instant`).

        An answer that was asked for later stays.
        """
        await self._keep(lookup.key.text, lookup, self._entry(lookup, value, asked), is_unforeseen=True)

    async def invalidate(self, tags: Iterable[str]) -> None:
        """From now on serve nothing with one of `tags` that was asked for before, in any worker."""
        await self._forbid(frozenset(tags), self._instants.next())

    def instant(self) -> int:
        """A reading of the clock behind all before it, for `put` and `is_unchanged`."""
        return self._instants.next()

    def is_unchanged(self, names: Iterable[str], since: int) -> bool:
        """Whether nothing was invalidated or replaced since then that has one of `names`: texts of keys, and tags.

        It speaks of this process alone; where others share the storage, it is never sure.
        """
        return not self._storage.shared and self._changes.latest(names) < since

    @property
    def keeps(self) -> bool:
        """Whether anything is kept; `put` does nothing otherwise."""
        return self._keeps

    @property
    def storage(self) -> Storage:
        """Where answers are kept. Other things may be kept there too, under keys that no `CacheKey` has."""
        return self._storage

    async def reaches_storage(self) -> bool:
        """Whether the storage can be used now. It is asked, which takes no longer than a look-up may."""
        await self._storage.read(_NO_KEY, ())
        return not self._storage.is_down

    async def aclose(self) -> None:
        """Wait briefly for answers and writes that are on their way, cancel the rest, and close the storage."""
        await self._errands.aclose(_CLOSING_SECONDS)
        await self._storage.aclose()

    async def _forbid(self, tags: frozenset[str], until: int) -> None:
        """Serve nothing with one of `tags` that was asked for at `until` or before."""
        self._note_change(tags)
        stamping = self._storage.stamp(tags, until, self._stamp_seconds)
        if self._storage.shared:
            # Shielded: the change has happened, and the other workers have to hear of it though the client is gone.
            await asyncio.shield(self._errands.send(stamping))
        else:
            await stamping

    def _note_change(self, names: Iterable[str]) -> None:
        """What was made of something under one of `names` until now stands no longer."""
        self._changes.note(names, self._instants.next(), self._stamp_seconds)

    def _at_hand(self, lookup: Lookup[T]) -> Entry[T] | None:
        """The entry, of whatever age, that this process can tell is not forbidden without waiting for anybody."""
        key = lookup.key.text
        seen = self._storage.glance(key, lookup.tags) if self._keeps else None
        if seen is None:
            return None
        payload, stamp = seen
        if payload is None:
            return None
        entry: Entry[T] | None = self._decoded.find(key, payload)
        if entry is None or entry.asked <= stamp:
            return None
        of_value = self._storage.glance(_NO_KEY, entry.tags)
        return entry if of_value is not None and entry.asked > of_value[1] else None

    async def _find(self, key: str, lookup: Lookup[T]) -> tuple[Entry[T] | None, int]:
        """The entry that no stamp forbids, of whatever age, and the latest stamp of the tags known before."""
        # Before the read, which can overtake a write on the way to the server, and after it.
        entry = self._handover.find(key)
        payload, stamp = await self._storage.read(key, lookup.tags)
        if not self._keeps:
            return None, stamp
        entry = entry or self._handover.find(key)
        if entry is None and payload is not None:
            entry = self._decoded.find(key, payload) or await self._parse(key, lookup, payload)
        if entry is None:
            return None, stamp
        latest = stamp
        if not entry.tags <= lookup.tags:
            latest = max(stamp, await self._storage.latest_stamp(entry.tags - lookup.tags))
        return (entry if entry.asked > latest else None), stamp

    async def _parse(self, key: str, lookup: Lookup[T], payload: bytes) -> Entry[T] | None:
        try:
            entry = unpack(payload, lookup.codec)
        except Unreadable:
            await self._storage.delete(key)
            return None
        self._decoded.keep(key, payload, entry)
        return entry

    def _age(self, loaded: Loaded[T]) -> timedelta | None:
        """How old the copy is that is served; None for what was just asked, and when there is nothing to serve."""
        is_copy = loaded.cache in (CacheResult.HIT, CacheResult.STALE)
        return self._clock() - loaded.fetched_at if is_copy and loaded.fetched_at is not None else None

    def _is_within(self, period: timedelta, then: datetime) -> bool:
        """Whether `then` is less than `period` ago, and not in the future."""
        return -CLOCK_SLACK <= self._clock() - then < period

    def _stale(self, key: str, entry: Entry[T]) -> Loaded[T]:
        failure = self._failures.since(key, entry.asked)
        return entry.loaded(CacheResult.STALE, failure.error if failure else None)

    def _refresh_behind(self, key: str, lookup: Lookup[T], fetch: Fetch[T], entry: Entry[T], stamp: int) -> None:
        failure = self._failures.since(key, entry.asked)
        is_pausing = failure is not None and self._is_within(self._refresh_pause, failure.at)
        if not is_pausing and self._flights.find(key) is None:
            self._flights.start(key, self._instants.next(), self._fly(key, lookup, fetch, stamp, is_behind=True))

    async def _ask(
        self, key: str, lookup: Lookup[T], fetch: Fetch[T], deadline: Deadline, stamp: int, *, bypass: bool
    ) -> Loaded[T]:
        """Join the flight that began after `stamp`, or start one, until there is an answer to serve."""
        name = _past(key) if bypass else key
        called = self._instants.next()
        while (seconds := deadline.remaining()) > 0:
            flight = self._flights.find(name, since=stamp)
            if flight is None:
                errand = (
                    self._call_past(key, lookup, fetch)
                    if bypass
                    else self._fly(key, lookup, fetch, stamp, is_behind=False)
                )
                flight = self._flights.start(name, self._instants.next(), errand)
            try:
                landing = await flight.landing(seconds)
            except (TimeoutError, FlightCancelled):
                break
            if landing.error is not None:
                if landing.error.concerns_asker_only and flight.began < called:
                    continue  # joined: what the other one may ask no more, this one may
                return await self._fall_back(key, lookup, landing.error)
            if landing.entry is None:
                continue
            if flight.began < called:
                # Joined: a change may have come between that asking and this load, to a tag only the answer tells of.
                stamp = await self._storage.latest_stamp(landing.entry.tags)
                if landing.entry.asked <= stamp:
                    continue
            if landing.from_other_worker:
                return landing.entry.hit
            return landing.entry.loaded(CacheResult.BYPASS if bypass else CacheResult.MISS)
        return await self._fall_back(key, lookup, ProviderTimeout(lookup.key.provider, lookup.key.operation))

    async def _fall_back(self, key: str, lookup: Lookup[T], error: ProviderError) -> Loaded[T]:
        entry, _ = await self._find(key, lookup)
        if entry is not None and self._clock() < entry.stale_until:
            return entry.loaded(CacheResult.STALE, error)
        return Loaded(None, CacheResult.MISS, None, None, error)

    async def _fly(self, key: str, lookup: Lookup[T], fetch: Fetch[T], stamp: int, *, is_behind: bool) -> _Landing[T]:
        """Ask, unless another worker does; one that only refreshes then leaves it to that worker."""
        if not self._storage.shared:
            return await self._call(key, lookup, fetch)
        # After an invalidation there is another lease: who asked before it has nothing worth waiting for.
        lease = f"{stamp} {key}"
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._leases.timing.lease
        while True:
            is_mine = await self._leases.take(lease)
            try:
                entry, _ = await self._find(key, lookup)
                if entry is not None and self.is_fresh(entry.hit):
                    return _Landing(entry, from_other_worker=True)
                if is_behind and not is_mine:
                    return _Landing()
                if is_mine or loop.time() >= give_up:
                    return await self._call(key, lookup, fetch)
            finally:
                if is_mine:
                    self._leases.release_behind(lease, key)
            await asyncio.sleep(self._leases.timing.poll)

    async def _call_past(self, key: str, lookup: Lookup[T], fetch: Fetch[T]) -> _Landing[T]:
        """Ask, keep the answer, and forbid every copy that it replaces, also one that is still on its way."""
        landing = await self._call(key, lookup, fetch, is_unforeseen=True)
        if self._keeps and landing.entry is not None and landing.entry.value is not None:
            replaced = lookup.replaces(landing.entry.value)
            if replaced:
                await self._forbid(replaced, landing.entry.asked - 1)
        return landing

    async def _call(self, key: str, lookup: Lookup[T], fetch: Fetch[T], *, is_unforeseen: bool = False) -> _Landing[T]:
        """Ask, and keep the answer (see `_keep`)."""
        asked = self._instants.next()
        try:
            entry = self._entry(lookup, await fetch(), asked)
        except OrderNotFound:
            entry = self._nothing(lookup, asked)
        except AmbiguousReference as error:
            # An answer, and not the one that a copy may still give.
            await self._let_go(key)
            return _Landing(error=error)
        except ProviderError as error:
            if not error.concerns_asker_only:
                self._failures.note(key, Failure(error, asked, self._clock()))
            return _Landing(error=error)
        await self._keep(key, lookup, entry, is_unforeseen=is_unforeseen)
        return _Landing(entry)

    def _entry(self, lookup: Lookup[T], value: T, asked: int) -> Entry[T]:
        return self._new_entry(value, True, asked, lookup.lifetime(value), lookup.tags | lookup.tags_of(value))

    def _nothing(self, lookup: Lookup[T], asked: int) -> Entry[T]:
        return self._new_entry(None, False, asked, self._not_found, lookup.tags)

    def _new_entry(
        self, value: T | None, found: bool, asked: int, lifetime: Lifetime, tags: frozenset[str]
    ) -> Entry[T]:
        now = self._clock()
        end = now + self._longest  # no entry may outlive the stamps that can forbid it
        fresh_until = min(now + lifetime.fresh, end)
        return Entry(value, found, asked, now, fresh_until, min(fresh_until + lifetime.stale, end), tags)

    async def _keep(self, key: str, lookup: Lookup[T], entry: Entry[T], *, is_unforeseen: bool) -> None:
        """Keep `entry`, unless a later one is known.

        What was made of an earlier one stands no longer. `is_unforeseen` where there may be such things though no copy
        is known; otherwise an answer that waits for this very entry would count as made of an earlier one.
        """
        if self._is_overtaken(key, entry):
            return
        self._failures.forget(key)
        if not self._keeps:
            return
        seconds = (entry.stale_until - self._clock()).total_seconds()
        if seconds <= 0:
            await self._let_go(key)
            return
        payload = pack(entry, lookup.codec)
        if is_unforeseen or self._decoded.asked(key):
            self._note_change((key,))
        self._decoded.keep(key, payload, entry)
        if self._storage.shared:
            self._handover.write_behind(key, payload, seconds, entry)
        else:
            await self._storage.write(key, payload, seconds)

    def _is_overtaken(self, key: str, entry: Entry[T]) -> bool:
        """Whether a later entry is known; one from the future is not later, but of a clock that was wrong."""
        known = self._decoded.asked(key)
        return entry.asked < known <= self._instants.next() + CLOCK_SLACK // timedelta(microseconds=1)

    async def _let_go(self, key: str) -> None:
        """Have no copy under `key`, and nothing that was made of one."""
        self._note_change((key,))
        self._decoded.drop(key)
        await self._handover.wait(key)  # or what is on its way would arrive afterwards
        await self._storage.delete(key)


def _past(key: str) -> str:
    return f"past {key}"
