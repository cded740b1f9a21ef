"""A shop with four providers in memory, over the real cache and a real store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.freshness.cache import FreshCache
from gateway.freshness.memory import MemoryStorage
from gateway.freshness.policy import FreshnessPolicy
from gateway.freshness.settings import FreshnessSettings
from gateway.orders.directory import Directory
from gateway.orders.identity import OrderIdentity, OrderKey
from gateway.orders.loaded import LoadedOrder
from gateway.orders.loads import Loads, LoadServices
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound, OrderService
from gateway.orders.shops import Shop
from gateway.orders.sightings import Sightings
from gateway.orders.unknown_words import UnknownWords
from gateway.resilience.calls import ProviderCalls
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import HealthBook
from gateway.resilience.settings import ResilienceSettings
from gateway.store.database import Database
from gateway.store.links import Links
from gateway.store.order_tracker_details import OrderTrackerDetails
from gateway.store.tracking_numbers import TrackingNumbers
from providers.base import Provider
from providers.models import Reference
from providers.references import ReferenceTemplate
from tests.gateway.orders.providers import BILLINK, HYPERTRACK, KARLA, PAYPAL, OrderBook, RouteBook, TrackingBook

FRESHNESS = FreshnessSettings()


class HandClock:
    """A `Clock` that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2025, 2, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class World:
    """Everything that outlives an operation, and the providers to look into."""

    karla: OrderBook
    hypertrack: RouteBook
    paypal: TrackingBook
    billink: TrackingBook
    shop: Shop
    links: Links
    sightings: Sightings
    cache: FreshCache
    services: LoadServices
    clock: HandClock

    def operation(self) -> OrderService:
        """The use cases of one more operation."""
        return OrderService(self.directory(), self.loads())

    def directory(self) -> Directory:
        return Directory(self.links, self.sightings)

    def loads(self) -> Loads:
        return Loads(self.services, Deadline.after(30, time.monotonic))

    def without(self, *providers: str) -> None:
        """Take providers, and their rules, out of the shop."""
        kept: dict[str, Provider] = {
            name: adapter for name, adapter in self.shop.providers.items() if name not in providers
        }
        rules = {key: rule for key, rule in self.shop.rules.items() if key[0] not in providers}
        self.shop = replace(self.shop, providers=kept, rules=rules)

    def ruled(self, rules: Mapping[tuple[str, str], str]) -> None:
        """Have these rules and no others."""
        self.shop = replace(self.shop, rules={key: ReferenceTemplate(text) for key, text in rules.items()})

    async def link(self, provider: str, kind: str, value: str, order_number: str = "4711") -> None:
        reference = Reference(provider=provider, kind=kind, value=value)
        assert await self.links.add(self.shop.slug, order_number, reference, self.clock()) is None

    async def find(self, *needs: Need, key: OrderKey | None = None, refresh: bool = False) -> LoadedOrder | NotFound:
        """What one more operation finds behind `key`, the order number 4711 where none is given."""
        return await self.operation().find(self.shop, key or number("4711"), needs, refresh=refresh)

    async def order(self, *needs: Need, key: OrderKey | None = None, refresh: bool = False) -> LoadedOrder:
        """`find`, where the order has to exist."""
        found = await self.find(*needs, key=key, refresh=refresh)
        assert isinstance(found, LoadedOrder)
        return found

    def identity(self, **names: str) -> OrderIdentity:
        return OrderIdentity(self.shop.slug, **names)  # type: ignore[arg-type]

    @property
    def calls(self) -> dict[str, int]:
        """How often each provider was called, of those that were."""
        books = (self.karla, self.hypertrack, self.paypal, self.billink)
        return {book.profile.name: len(book.calls) for book in books if book.calls}

    def forget_calls(self) -> None:
        for book in (self.karla, self.hypertrack, self.paypal, self.billink):
            book.calls.clear()


def number(value: str) -> OrderKey:
    return OrderKey("order_number", value)


def need(part: Part, *providers: str) -> Need:
    """A need from `providers`, from all where none is named."""
    return Need(part, frozenset(providers) if providers else None)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    clock = HandClock()
    cache = FreshCache(MemoryStorage(16 * 1024 * 1024), FRESHNESS, clock)
    sightings = Sightings(TrackingNumbers(database))
    services = LoadServices(
        cache=cache,
        policy=FreshnessPolicy(FRESHNESS),
        calls=ProviderCalls(HealthBook(clock), settings=ResilienceSettings(attempts=1), call_seconds=5),
        sightings=sightings,
        unknown_words=UnknownWords(),
        order_tracker_details=OrderTrackerDetails(database),
        clock=clock,
    )
    karla, hypertrack, paypal, billink = (
        OrderBook(KARLA),
        RouteBook(HYPERTRACK),
        TrackingBook(PAYPAL),
        TrackingBook(BILLINK),
    )
    adapters: dict[str, Provider] = {book.profile.name: book for book in (karla, hypertrack, paypal, billink)}
    rules = {
        ("hypertrack", "order_handle"): ReferenceTemplate("{order_number}"),
        ("billink", "invoice_number"): ReferenceTemplate("{order_number}"),
    }
    shop = Shop("acme", None, adapters, rules)
    yield World(karla, hypertrack, paypal, billink, shop, Links(database), sightings, cache, services, clock)
    await sightings.flush()
    await cache.aclose()
