"""The order: the one thing that clients ask for."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from gateway.auth.principal import Scope
from gateway.orders.identity import KnownReference, OrderName
from gateway.orders.loaded import LoadedOrder
from gateway.orders.needs import Need
from gateway.schema.access import MASKED
from gateway.schema.arguments import FIRST_EVENTS, FIRST_TRACKINGS, check_first, check_providers
from gateway.schema.context import Context
from gateway.schema.enums import ReferenceOrigin, TrackingStatus
from gateway.schema.fields import delegated, resolved
from gateway.schema.ids import GlobalId
from gateway.schema.order_needs import ORDER_TYPE, SelectedNeeds, need_for, needs_below
from gateway.schema.scalars import JSON, URL
from gateway.schema.selection import path_of
from gateway.schema.types.estimate import EstimatedArrival, estimate_of
from gateway.schema.types.event import OLDEST_FIRST, SortOrder, TrackingEvent, events_of
from gateway.schema.types.nodes import Node
from gateway.schema.types.provider import Provider, provider_of
from gateway.schema.types.shop import Shop
from gateway.schema.types.source import Source
from gateway.schema.types.tracking import Tracking, tracking_type
from gateway.schema.types.values import Address, Discount, Money, PreferredDelivery, Product
from providers.models import CarrierTracking

Providers = Annotated[
    list[str] | None,
    strawberry.argument(description="Ask these providers only; left out, all that the shop has."),
]
First = Annotated[int | None, strawberry.argument(description="At most this many, 1 to 100.")]
Sort = Annotated[SortOrder | None, strawberry.argument(description="Newest or oldest first.")]


@strawberry.enum(description="How far the shop is with sending the order.")
class OrderStatus(Enum):
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="Karla could not be asked.")
    PLACED = strawberry.enum_value("PLACED", description="Accepted, nothing is on its way.")
    PARTIALLY_FULFILLED = strawberry.enum_value(
        "PARTIALLY_FULFILLED", description="Fewer parcels are on their way than are expected."
    )
    FULFILLED = strawberry.enum_value("FULFILLED", description="Every expected parcel is on its way.")


@strawberry.type(description="One name of an order in one system.")
class OrderReference:
    order: strawberry.Private[LoadedOrder]
    known: strawberry.Private[KnownReference]

    kind: str = delegated("known.reference.kind", "What kind of name it is, such as `paypal_order_id`.")
    value: str = delegated("known.reference.value", "The name.")
    origin: ReferenceOrigin = delegated("known.origin", "How the gateway knows it.")

    @resolved("The system that uses the name.")
    def provider(self) -> Provider:
        return provider_of(self.order.shop, self.known.reference.provider)


@strawberry.type(description="What a shop sold, as every system that was asked knows it.")
class Order(Node):
    loaded: strawberry.Private[LoadedOrder]
    needs: strawberry.Private[tuple[Need, ...]]

    @resolved("Global id; opaque, and the same whichever way it was reached.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.loaded.derived.of("id", lambda: str(_order_id(self.loaded))))

    @resolved("The shop that sold it.")
    def shop(self) -> Shop:
        return Shop(shop=self.loaded.shop)

    order_number: str | None = delegated("loaded.identity.order_number", "The shop's number of the order.")
    order_name: str | None = delegated("loaded.identity.order_name", "The shop's name of the order.")
    external_id: str | None = delegated("loaded.identity.external_id", "The shop system's id of the order.")

    @resolved("Karla's id of the order.")
    def uuid(self) -> UUID | None:
        value = self.loaded.name(OrderName.UUID)
        return UUID(value) if value else None

    @resolved("What the order is called in every system. Asks no provider.")
    def references(self) -> list[OrderReference]:
        return [OrderReference(order=self.loaded, known=known) for known in self.loaded.references]

    @resolved("How far the shop is with sending it; null when Karla does not know the order.")
    def status(self) -> OrderStatus | None:
        if self.loaded.details is None:
            return OrderStatus.UNKNOWN if self.loaded.failures(need_for("status")) else None
        sent = sum(isinstance(tracking, CarrierTracking) for tracking in self.loaded.details.trackings)
        if not sent:
            return OrderStatus.PLACED
        is_partial = sent < (self.loaded.details.expected_shipments or 0)
        return OrderStatus.PARTIALLY_FULFILLED if is_partial else OrderStatus.FULFILLED

    @resolved("Where the order is, merged over the trackings of the most trusted provider that knows one.")
    def delivery_status(self, providers: Providers = None) -> TrackingStatus | None:
        return self.loaded.delivery_status(need_for("deliveryStatus", check_providers(providers)))

    placed_at: datetime | None = delegated("loaded.details.placed_at", "When it was placed.")
    total_price: Money | None = delegated("loaded.details.total_price", "What it cost in all.")
    shipping_price: Money | None = delegated("loaded.details.shipping_price", "What the shipping cost.")
    sub_total_price: Money | None = delegated(
        "loaded.details.sub_total_price", "What the items cost before shipping and discounts."
    )
    discount_price: Money | None = delegated("loaded.details.discount_price", "All discounts together.")
    currency: str | None = delegated("loaded.details.currency", "ISO 4217 code of the currency.")
    products: list[Product] | None = delegated("loaded.details.products", "What was sold.")
    discounts: list[Discount] | None = delegated("loaded.details.discounts", "Discounts.")
    address: Address | None = delegated("loaded.details.address", "Where it goes.")
    email_id: str | None = delegated("loaded.details.email_id", "The customer's e-mail address.")
    external_customer_id: str | None = delegated(
        "loaded.details.external_customer_id", "The shop system's id of the customer."
    )
    segments: list[str] | None = delegated("loaded.details.segments", "Groups that the customer belongs to.")
    weight_grams: float | None = delegated("loaded.details.weight_grams", "Weight in grams.")
    status_url: URL | None = delegated("loaded.details.status_url", "The shop's own page about the order.")
    merchant_slug: str | None = delegated("loaded.details.merchant_slug", "Karla's slug of the merchant.")
    preferred_delivery: PreferredDelivery | None = delegated(
        "loaded.details.preferred_delivery", "When the customer would like to have it."
    )
    user_agent: list[str] | None = delegated("loaded.details.user_agent", "The customer's browser.")
    analytics: JSON | None = delegated("loaded.details.analytics", "What the shop keeps for its own statistics.")
    expected_shipments: int | None = delegated("loaded.details.expected_shipments", "How many parcels it will be.")

    @resolved(
        "The trackings of every provider that has any. Null only when no provider that was asked answered; what "
        "is missing otherwise stands in `errors` and `sources`."
    )
    def trackings(self, first: First = FIRST_TRACKINGS, providers: Providers = None) -> list[Tracking] | None:
        asked = check_providers(providers)
        return self.loaded.derived.of(("trackings", first, asked), lambda: self._trackings(first, asked))

    @resolved("The merged timeline: deduplicated, in order of time, with a stable tie-break.")
    def events(
        self, first: First = FIRST_EVENTS, order: Sort = SortOrder.NEWEST_FIRST, providers: Providers = None
    ) -> list[TrackingEvent] | None:
        asked, is_newest_first = check_providers(providers), order is not OLDEST_FIRST
        return self.loaded.derived.of(
            ("events", first, is_newest_first, asked), lambda: self._events(first, asked, is_newest_first)
        )

    @resolved("How many events there are, so that `first` never shortens silently.")
    def event_count(self, providers: Providers = None) -> int | None:
        timeline = self.loaded.timeline(need_for("eventCount", check_providers(providers)))
        return None if timeline is None else len(timeline)

    @resolved("The newest event of the merged timeline.")
    def latest_event(self, providers: Providers = None) -> TrackingEvent | None:
        return next(iter(self._events(1, check_providers(providers)) or ()), None)

    @resolved("The best estimate over the providers asked.")
    def estimated_arrival(self, providers: Providers = None) -> EstimatedArrival | None:
        need = need_for("estimatedArrival", check_providers(providers))
        return estimate_of(self.loaded.estimate(need), self.loaded.shop)

    @resolved("Every estimate, best first.")
    def estimated_arrivals(self, providers: Providers = None) -> list[EstimatedArrival] | None:
        estimates = self.loaded.estimates(need_for("estimatedArrivals", check_providers(providers)))
        if estimates is None:
            return None
        return [EstimatedArrival(estimate=estimate, shop=self.loaded.shop) for estimate in estimates]

    @resolved("What each provider that was asked contributed: fresh, stale, or why it could not.")
    def sources(self) -> list[Source]:
        asked = {part.provider: part for need in self.needs for part in self.loaded.asked(need)}
        return [Source(shop=self.loaded.shop, part=asked[name]) for name in self.loaded.shop.providers if name in asked]

    @resolved(
        "What is null or empty here because the caller lacks the scope `personal:read`, selected or not: fields of the "
        "order by their names, those of things below it as `Type.field`. Empty when nothing is."
    )
    def masked(self, info: Info[Context]) -> list[str]:
        return [] if info.context.principal.may(Scope.PERSONAL_READ) else list(MASKED)

    def _trackings(self, first: int | None, providers: frozenset[str] | None) -> list[Tracking] | None:
        found = self.loaded.trackings(need_for("trackings", providers))
        limit = check_first(first, FIRST_TRACKINGS)
        return None if found is None else [tracking_type(tracking, self.loaded) for tracking in found[:limit]]

    def _events(
        self, first: int | None, providers: frozenset[str] | None, is_newest_first: bool = True
    ) -> list[TrackingEvent] | None:
        timeline = self.loaded.timeline(need_for("events", providers))
        limit = check_first(first, FIRST_EVENTS)
        return None if timeline is None else events_of(timeline, self.loaded, limit, is_newest_first=is_newest_first)


ID_KINDS = {OrderName.NUMBER.value: "number"}
"""What a kind of key is called in an id, where it differs. The reverse is read by `order_key_kind`."""


def _order_id(loaded: LoadedOrder) -> GlobalId:
    key = loaded.identity.best_key
    return GlobalId(ORDER_TYPE, loaded.shop.slug, (ID_KINDS.get(key.kind, key.kind), key.value))


def order_key_kind(id_kind: str) -> str:
    """The kind of key behind the kind in an order's id."""
    return next((kind for kind, name in ID_KINDS.items() if name == id_kind), id_kind)


def order_type(info: Info[Context], loaded: LoadedOrder, selected: SelectedNeeds) -> Order:
    """A loaded order as the field being resolved answers it, with its failures reported."""
    if loaded.has_failures:
        info.context.report_order(loaded, path_of(info._raw_info), selected)
    return Order(loaded=loaded, needs=selected.needs)


async def load_order(info: Info[Context], known: LoadedOrder) -> Order:
    """The order that `known` is about, with what is selected on it here."""
    selected = needs_below(info)
    loaded = await info.context.orders.load(known.shop, known.identity, selected.needs)
    return order_type(info, loaded, selected)
