"""The loads of one operation: each thing is asked for once, and what was learnt on the way is kept.

Between the use cases and the freshness layer: builds the key, tags and lifetime of each load, runs the provider call
under its deadline, and notes how it went. Ten fields or aliases that need the same thing share one load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, Protocol, TypeVar

from pydantic import TypeAdapter

from gateway.freshness.cache import FreshCache, Loaded, Lookup
from gateway.freshness.envelope import CacheResult, Lifetime
from gateway.freshness.keys import CacheKey, order_tag, reference_tag, shop_tag
from gateway.freshness.policy import FreshnessPolicy
from gateway.orders.identity import OrderIdentity, OrderName, names_of
from gateway.orders.kept import Kept, KeptOrders
from gateway.orders.kept_details import BareTrackings, with_kept_details
from gateway.orders.shops import Shop
from gateway.orders.sightings import Sightings
from gateway.orders.unfinished import UnfinishedWrites
from gateway.orders.unknown_words import UnknownWords
from gateway.resilience.calls import OperationCalls, ProviderCalls
from gateway.resilience.deadline import Deadline
from gateway.resilience.gate import Urgency
from gateway.store.order_tracker_details import OrderTrackerDetails
from providers.base import Clock, OrderSource, RouteSource, TrackingSource
from providers.errors import OrderNotFound
from providers.models import Order, OrderSearch, Reference, Route, RouteTracking, Tracking, TrackingsFound

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

REFRESH_INTERVAL = timedelta(seconds=10)
"""A refresh asks for nothing that is younger than this, so that a button pressed twice is one call."""

NUMBER: Final = OrderName.NUMBER.value

ROUTE_HANDLE = "route_handle"
"""What kind of name a route is asked by."""

STORED_STAYS = timedelta(seconds=30)
"""How long a client may keep what was read from our own store: a write can change it at any time."""

NOT_KEPT = Lifetime(fresh=timedelta(), stale=timedelta())

_ORDER: TypeAdapter[Order] = TypeAdapter(Order)
_PAGE: TypeAdapter[tuple[Order, ...]] = TypeAdapter(tuple[Order, ...])
_TRACKINGS: TypeAdapter[TrackingsFound] = TypeAdapter(TrackingsFound)
_ROUTE: TypeAdapter[Route] = TypeAdapter(Route)


Loading = Loaded[T] | Coroutine[Any, Any, Loaded[T]]
"""What a load gives: what is at hand, or else what has to be awaited, once."""


class Find(Protocol[T_co]):
    """Asks a provider; `behind` when nobody waits for the answer."""

    async def __call__(self, *, behind: bool = False) -> T_co: ...


@dataclass(frozen=True, slots=True)
class LoadServices:
    """What outlives the operation, and every load and every write uses."""

    cache: FreshCache
    policy: FreshnessPolicy
    calls: ProviderCalls
    sightings: Sightings
    unknown_words: UnknownWords
    order_tracker_details: OrderTrackerDetails
    clock: Clock
    unfinished: UnfinishedWrites = field(default_factory=UnfinishedWrites)
    kept: KeptOrders = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept", KeptOrders(self.cache))


class Loads:
    """The loads of one operation, under its deadline."""

    def __init__(self, services: LoadServices, deadline: Deadline, urgency: Urgency = Urgency.INTERACTIVE) -> None:
        self.calls: OperationCalls = services.calls.of_operation(deadline, urgency)
        self._services = services
        self._deadline = deadline
        self._running: dict[CacheKey, asyncio.Future[Loaded[Any] | None]] = {}
        self._at_hand: dict[CacheKey, Loaded[Any]] = {}
        self._pages: list[tuple[Shop, OrderSource, Loaded[tuple[Order, ...]]]] = []
        self._refreshed: set[CacheKey] = set()
        self._soonest_end: datetime | None = None
        self._is_uncertain = False
        self._used: list[tuple[Lookup[Any], Loaded[Any]]] = []
        self._reads_store = False
        self._uncounted: list[tuple[Lookup[Any], Loaded[Any]]] | None = None

    def names(self) -> frozenset[str] | None:
        """Keys and tags of everything that was loaded: an answer made of it stands until one of them changes.

        None when the store was read, which others write to, and when a part must not be kept.
        """
        if self._reads_store or self.max_age() is None:
            return None
        return frozenset().union(*(_names_of(lookup, loaded) for lookup, loaded in self._used))

    def note_store(self) -> None:
        """What is answered rests on the store as well."""
        self._reads_store = True
        self._note_end(self._services.clock() + STORED_STAYS)

    def hold_hits(self) -> None:
        """Count copies that are served only when `count_hits` is called: what is made of them may be given up."""
        self._uncounted = []

    def count_hits(self) -> None:
        """Count the copies that were served meanwhile, and from now on each as it is served."""
        uncounted, self._uncounted = self._uncounted, None
        for lookup, loaded in uncounted or ():
            self._services.cache.note_hit(lookup, loaded)

    def find_kept(self, question: Hashable) -> Kept | None:
        """What was loaded before for the same question, and is what it was. It counts as loaded."""
        found = self._services.kept.find(question)
        if found is None:
            return None
        kept, record, lookup = found
        self._note_hit(lookup, record)
        return kept

    def keep(self, question: Hashable, kept: Kept, begun: int) -> None:
        """Remember what `question` was answered, which a fresh copy alone made; not if the store had a part in it."""
        if self._reads_store:
            return
        lookup = next((lookup for lookup, loaded in self._used if loaded is kept.record), None)
        if lookup is not None:
            self._services.kept.keep(question, kept, lookup, _names_of(lookup, kept.record), begun)

    def now(self) -> int:
        """When a loading begins, for `keep`."""
        return self._services.cache.instant()

    def max_age(self) -> timedelta | None:
        """How long everything that was loaded stays fresh; None when a part is not, or nothing was loaded."""
        if self._is_uncertain or self._soonest_end is None:
            return None
        return max(self._soonest_end - self._services.clock(), timedelta())

    def order(self, shop: Shop, source: OrderSource, reference: Reference, *, refresh: bool) -> Loading[Order]:
        """The order that `source` calls by `reference`, with its trackings inside."""
        lookup = self._order_lookup(shop, source, reference)

        async def find(*, behind: bool = False) -> Order:
            return await self._find_order(shop, source, reference, behind=behind)

        return self._load(lookup, find, refresh=refresh)

    def trackings(
        self, shop: Shop, source: TrackingSource, reference: Reference, identity: OrderIdentity, *, refresh: bool
    ) -> Loading[TrackingsFound]:
        """The trackings that `source` has for `reference`; of a provider whose trackings we store, from the store.

        Trackers on payments have the number and carrier that they were sent with, where they were sent from here.
        """
        if source.profile.stored:
            return self._read_stored(source, reference)
        number = identity.order_number
        lookup = Lookup(
            key=CacheKey(shop.slug, source.profile.name, "find_trackings", f"{reference.kind}:{reference.value}"),
            codec=_TRACKINGS,
            lifetime=self._lifetime(partial(_trackings_lifetime, self._services.policy)),
            tags=_tags(shop, reference, number),
            tags_of=lambda found: _route_tags(shop, source, found),
            replaces=lambda _: frozenset({_tag(shop, reference)}),
        )

        async def find(*, behind: bool = False) -> TrackingsFound:
            found = await self.calls.read(
                shop.slug,
                source.profile.name,
                "find_trackings",
                lambda: source.find_trackings(reference),
                behind=behind,
            )
            self._note_unknown_words(found.trackings)
            return await with_kept_details(self._services.order_tracker_details, shop.slug, found)

        loading = self._load(lookup, find, refresh=refresh)
        if isinstance(loading, Loaded):
            self._note_numbers(shop, loading, number)
            return loading
        return self._with_numbers_noted(shop, loading, number)

    async def route(self, shop: Shop, source: RouteSource, handle: str) -> Loaded[Route]:
        """The route called `handle`."""
        lookup = Lookup(
            key=CacheKey(shop.slug, source.profile.name, "find_route", handle),
            codec=_ROUTE,
            lifetime=self._lifetime(self._services.policy.route_lifetime),
            tags=_tags(shop, Reference(provider=source.profile.name, kind=ROUTE_HANDLE, value=handle), None),
        )

        async def find(*, behind: bool = False) -> Route:
            route = await self.calls.read(
                shop.slug, source.profile.name, "find_route", lambda: source.find_route(handle), behind=behind
            )
            self._note_unknown_words(route.stops)
            return route

        return await waited_for(self._load(lookup, find))

    async def page(
        self, shop: Shop, source: OrderSource, search: OrderSearch, page: int, page_size: int
    ) -> Loaded[tuple[Order, ...]]:
        """One page of a search. Each order on it is kept under its own number as well."""
        # Hashed: a filter can be a person's address, and names of entries are told to whoever looks into the cache.
        filters = sha256(search.model_dump_json(exclude_none=True).encode()).hexdigest()
        lookup = Lookup(
            key=CacheKey(shop.slug, source.profile.name, "search_orders", f"{page}/{page_size}/{filters}"),
            codec=_PAGE,
            lifetime=self._lifetime(self._services.policy.page_lifetime),
            tags=frozenset({shop_tag(shop.slug)}),
            tags_of=lambda orders: frozenset(
                order_tag(shop.slug, order.order_number) for order in orders if order.order_number
            ),
        )

        async def find(*, behind: bool = False) -> tuple[Order, ...]:
            asked = self._services.cache.instant()
            orders = await self.calls.read(
                shop.slug,
                source.profile.name,
                "search_orders",
                lambda: source.search_orders(search, page, page_size),
                behind=behind,
            )
            await self._keep_each(shop, source, orders, asked)
            return orders

        return await waited_for(self._load(lookup, find))

    def forget(self) -> None:
        """Load everything anew from here on: something was written."""
        self._running.clear()
        self._at_hand.clear()
        self._pages.clear()

    def know(self, shop: Shop, source: OrderSource, page: Loaded[tuple[Order, ...]]) -> None:
        """Take the orders of a loaded page as loaded: the own load of each asks nobody in this operation."""
        self._pages.append((shop, source, page))

    def _load(self, lookup: Lookup[T], find: Find[T], *, refresh: bool = False) -> Loading[T]:
        if refresh and lookup.key not in self._refreshed:
            self._refreshed.add(lookup.key)
            self._running.pop(lookup.key, None)
            self._at_hand.pop(lookup.key, None)
        elif (loaded := self._glance(lookup)) is not None:
            return loaded
        return self._wait_for(lookup, find, refresh=refresh)

    async def _wait_for(self, lookup: Lookup[T], find: Find[T], *, refresh: bool) -> Loaded[T]:
        while (running := self._running.get(lookup.key)) is not None:
            # Shielded: one field that is given up must not take the load from the others.
            found = await asyncio.shield(running)
            if found is not None:
                return found
            refresh = lookup.key in self._refreshed  # as whoever gave up may have done
        return await self._run(lookup, find, refresh=refresh)

    def _glance(self, lookup: Lookup[T]) -> Loaded[T] | None:
        """What needs no waiting: it came with a page, was at hand before in this operation, or is in this process."""
        if lookup.key in self._running:
            return None
        if self._pages:
            self._spread_pages()
        loaded = self._at_hand.get(lookup.key)
        if loaded is None:
            loaded = self._services.cache.glance(lookup)
            if loaded is not None:
                self._note_hit(lookup, loaded)
                self._at_hand[lookup.key] = loaded
        return loaded

    def _spread_pages(self) -> None:
        pages, self._pages = self._pages, []
        for shop, source, page in pages:
            for order in page.value or ():
                if order.order_number is not None:
                    key = self._order_lookup(shop, source, _numbered(source, order.order_number)).key
                    self._at_hand.setdefault(key, one_of(page, order))

    async def _run(self, lookup: Lookup[T], find: Find[T], *, refresh: bool) -> Loaded[T]:
        """Load for this field, and for all others that want the same: a task of its own costs as much as the rest."""
        running = self._running[lookup.key] = asyncio.get_running_loop().create_future()
        try:
            loaded = await self._ask(lookup, find, refresh=refresh)
        except Exception as defect:
            running.set_exception(defect)
            running.exception()  # told by whoever is there to be told
            raise
        except BaseException:
            self._leave(lookup.key, running)
            running.set_result(None)  # given up: one of the others goes on
            raise
        if self._leave(lookup.key, running):
            self._at_hand[lookup.key] = loaded
        running.set_result(loaded)
        return loaded

    def _leave(self, key: CacheKey, running: asyncio.Future[Loaded[Any] | None]) -> bool:
        """End the load under `key`, unless another has begun since, after a refresh or a write."""
        is_last = self._running.get(key) is running
        if is_last:
            del self._running[key]
        return is_last

    async def _ask(self, lookup: Lookup[T], find: Find[T], *, refresh: bool) -> Loaded[T]:
        loaded = await self._services.cache.asked_within(lookup, REFRESH_INTERVAL) if refresh else None
        if loaded is None:
            loaded = await self._services.cache.load(
                lookup, find, deadline=self._deadline, bypass=refresh, renew=lambda: find(behind=True)
            )
        self._note_loaded(lookup, loaded)
        return loaded

    async def _find_order(self, shop: Shop, source: OrderSource, reference: Reference, *, behind: bool) -> Order:
        asked = self._services.cache.instant()
        order = await self.calls.read(
            shop.slug, source.profile.name, "find_order", lambda: source.find_order(reference), behind=behind
        )
        self._note_order(shop, order)
        number = order.order_number
        if number is not None and (reference.kind, reference.value) != (NUMBER, number):
            lookup = self._order_lookup(shop, source, _numbered(source, number))
            await self._services.cache.put(lookup, order, asked)
        return order

    async def _keep_each(self, shop: Shop, source: OrderSource, orders: Sequence[Order], asked: int) -> None:
        for order in orders:
            self._note_order(shop, order)
        if not self._services.cache.keeps:
            return
        for order in orders:
            if order.order_number is not None:
                lookup = self._order_lookup(shop, source, _numbered(source, order.order_number))
                await self._services.cache.put(lookup, order, asked)

    async def _read_stored(self, source: TrackingSource, reference: Reference) -> Loaded[TrackingsFound]:
        now = self._services.clock()
        self.note_store()
        try:
            found = await source.find_trackings(reference)
        except OrderNotFound:
            return Loaded(None, CacheResult.STORED, now, None, None)
        return Loaded(found, CacheResult.STORED, now, None, None)

    def _order_lookup(self, shop: Shop, source: OrderSource, reference: Reference) -> Lookup[Order]:
        return Lookup(
            key=CacheKey(shop.slug, source.profile.name, "find_order", f"{reference.kind}:{reference.value}"),
            codec=_ORDER,
            lifetime=self._lifetime(self._services.policy.order_lifetime),
            tags=_tags(shop, reference, reference.value if reference.kind == NUMBER else None),
            tags_of=lambda order: _order_tags(shop, source, order),
            replaces=lambda order: _name_tags(shop, source, order),
        )

    def _lifetime(self, of_value: Callable[[T, datetime], Lifetime]) -> Callable[[T], Lifetime]:
        # Without `self`: a look-up outlives its operation, and must not keep what that has loaded.
        clock = self._services.clock
        return lambda value: of_value(value, clock())

    def _note_order(self, shop: Shop, order: Order) -> None:
        self._note_unknown_words(order.trackings)
        self._services.sightings.note(shop.slug, order)

    async def _with_numbers_noted(
        self, shop: Shop, loading: Coroutine[Any, Any, Loaded[TrackingsFound]], order_number: str | None
    ) -> Loaded[TrackingsFound]:
        loaded = await loading
        self._note_numbers(shop, loaded, order_number)
        return loaded

    def _note_numbers(self, shop: Shop, loaded: Loaded[TrackingsFound], order_number: str | None) -> None:
        if loaded.value is None or not order_number:
            return
        for tracking in loaded.value.trackings:
            if tracking.tracking_number:
                self._services.sightings.note_number(shop.slug, tracking.tracking_number, order_number)

    def _note_unknown_words(self, trackings: Sequence[Tracking]) -> None:
        for tracking in trackings:
            self._services.unknown_words.note(tracking)

    def _note_hit(self, lookup: Lookup[Any], loaded: Loaded[Any]) -> None:
        """A copy at hand is served."""
        if self._uncounted is None:
            self._services.cache.note_hit(lookup, loaded)
        else:
            self._uncounted.append((lookup, loaded))
        self._note_loaded(lookup, loaded)

    def _note_loaded(self, lookup: Lookup[Any], loaded: Loaded[Any]) -> None:
        self._used.append((lookup, loaded))
        if loaded.error or loaded.fresh_until is None or loaded.cache not in (CacheResult.HIT, CacheResult.MISS):
            self._is_uncertain = True
        else:
            self._note_end(loaded.fresh_until)

    def _note_end(self, end: datetime) -> None:
        self._soonest_end = end if self._soonest_end is None else min(self._soonest_end, end)


async def waited_for(loading: Loading[T]) -> Loaded[T]:
    """What a load gives in the end."""
    return loading if isinstance(loading, Loaded) else await loading


def _trackings_lifetime(policy: FreshnessPolicy, found: TrackingsFound, now: datetime) -> Lifetime:
    return NOT_KEPT if isinstance(found, BareTrackings) else policy.trackings_lifetime(found, now)


def _names_of(lookup: Lookup[Any], loaded: Loaded[Any] | None) -> frozenset[str]:
    tags = lookup.tags if loaded is None or loaded.value is None else lookup.tags | lookup.tags_of(loaded.value)
    return tags | {lookup.key.text}


def one_of(page: Loaded[tuple[Order, ...]], order: Order) -> Loaded[Order]:
    """One order of a loaded page, as its own load would answer it."""
    return Loaded(order, page.cache, page.fetched_at, page.fresh_until, page.error)


def _tag(shop: Shop, reference: Reference) -> str:
    return reference_tag(shop.slug, reference.provider, reference.kind, reference.value)


def _tags(shop: Shop, reference: Reference, order_number: str | None) -> frozenset[str]:
    """What is known of an answer before it is asked for."""
    named = _tag(shop, reference)
    return frozenset((named, order_tag(shop.slug, order_number)) if order_number else (named,))


def _order_tags(shop: Shop, source: OrderSource, order: Order) -> frozenset[str]:
    """Every name of `order`, by any of which a write can change it."""
    named, number = _name_tags(shop, source, order), order.order_number
    return named | {order_tag(shop.slug, number)} if number else named


def _name_tags(shop: Shop, source: OrderSource, order: Order) -> frozenset[str]:
    """Every name that `source` has for `order`."""
    provider = source.profile.name
    return frozenset(reference_tag(shop.slug, provider, kind, value) for kind, value in names_of(order).items())


def _route_tags(shop: Shop, source: TrackingSource, found: TrackingsFound) -> frozenset[str]:
    """The routes that `found` tells of: to start one changes what is told of its orders."""
    return frozenset(
        reference_tag(shop.slug, source.profile.name, ROUTE_HANDLE, tracking.route_handle)
        for tracking in found.trackings
        if isinstance(tracking, RouteTracking) and tracking.route_handle
    )


def _numbered(source: OrderSource, number: str) -> Reference:
    return Reference(provider=source.profile.name, kind=NUMBER, value=number)
