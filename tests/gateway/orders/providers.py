"""Providers in memory: small adapters that keep the Protocols, count their calls and fail when told to."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers.base import ProviderProfile
from providers.billink.profile import PROFILE as BILLINK
from providers.errors import AmbiguousReference, OrderNotFound, ProviderError, ProviderServerFailed
from providers.hypertrack.profile import PROFILE as HYPERTRACK
from providers.karla.profile import PROFILE as KARLA
from providers.models import Order, OrderSearch, Reference, Route, Tracking, TrackingsFound
from providers.paypal.profile import PROFILE as PAYPAL

__all__ = ["BILLINK", "HYPERTRACK", "KARLA", "PAYPAL", "OrderBook", "RouteBook", "TrackingBook", "down"]


def down(provider: str) -> ProviderServerFailed:
    """What a provider raises that is out of order."""
    return ProviderServerFailed(provider, "test", 503)


@dataclass
class _Book:
    profile: ProviderProfile
    calls: list[str] = field(default_factory=list)
    failure: ProviderError | None = None

    async def check(self) -> str:
        return "in memory"

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if self.failure:
            raise self.failure


@dataclass
class OrderBook(_Book):
    """An `OrderSource`: the orders that it knows, newest first."""

    orders: list[Order] = field(default_factory=list)
    failing_pages: set[int] = field(default_factory=set)

    async def find_order(self, reference: Reference) -> Order:
        self._called(f"{reference.kind}:{reference.value}")
        found = [order for order in self.orders if str(getattr(order, reference.kind)) == reference.value]
        if len(found) > 1:
            ids = tuple(order.external_id for order in found if order.external_id)
            raise AmbiguousReference(self.profile.name, "find_order", ids)
        if not found:
            raise OrderNotFound(self.profile.name, "find_order")
        return found[0]

    async def search_orders(self, search: OrderSearch, page: int, page_size: int) -> tuple[Order, ...]:
        self._called(f"page {page}/{page_size}")
        if page in self.failing_pages:
            raise down(self.profile.name)
        matching = [order for order in self.orders if search.email_id in (None, order.email_id)]
        return tuple(matching[(page - 1) * page_size : page * page_size])


@dataclass
class TrackingBook(_Book):
    """A `TrackingSource`: what it knows, by reference value."""

    found: dict[str, TrackingsFound] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)

    def knows(self, value: str, *trackings: Tracking, references: tuple[Reference, ...] = ()) -> None:
        """Have `trackings` behind the reference `value`."""
        self.found[value] = TrackingsFound(trackings=trackings, references=references)

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        self._called(f"{reference.kind}:{reference.value}")
        if reference.value in self.failing:
            raise down(self.profile.name)
        if reference.value not in self.found:
            raise OrderNotFound(self.profile.name, "find_trackings")
        return self.found[reference.value]


@dataclass
class RouteBook(TrackingBook):
    """A `TrackingSource` that is a `RouteSource` as well."""

    routes: dict[str, Route] = field(default_factory=dict)

    async def find_route(self, handle: str) -> Route:
        self._called(f"route:{handle}")
        if handle not in self.routes:
            raise OrderNotFound(self.profile.name, "find_route")
        return self.routes[handle]
