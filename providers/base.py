"""What a provider can be: one profile of facts, and one narrow Protocol per capability.

An adapter implements the Protocols it can keep and no others; its `ProviderProfile` says which. It gets its HTTP
client, settings, clock and ledger from outside (`ProviderContext`), and does not retry, cache, sleep, log or read the
environment. Every method raises only subclasses of `ProviderError` and lets `asyncio.CancelledError` through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Protocol, runtime_checkable
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from providers.drafts import (
    OrderChange,
    OrderDraft,
    OrderTrackerDraft,
    OrderUpsert,
    RouteDraft,
    ShipmentChange,
)
from providers.models import (
    Capture,
    CarrierTracking,
    InvoiceTracker,
    Order,
    OrderSearch,
    OrderTracker,
    Reference,
    Route,
    TrackerDraft,
    TrackerItem,
    Tracking,
    TrackingsFound,
)
from providers.parsing import web_url

Clock = Callable[[], datetime]
"""Tells the present as an aware datetime in UTC."""


DEFAULT_CONCURRENCY = 20
"""Calls at once to one account of a provider that publishes no limit: each is a connection that the provider holds."""


class Capability(StrEnum):
    """What an adapter can do; each stands for one Protocol below."""

    FIND_ORDERS = "find_orders"
    FIND_TRACKINGS = "find_trackings"
    FIND_ROUTES = "find_routes"
    REGISTER_TRACKERS = "register_trackers"
    WRITE_ORDERS = "write_orders"
    TRACK_PAYMENTS = "track_payments"
    TRACK_ROUTES = "track_routes"


@dataclass(frozen=True, slots=True)
class ReferenceKind:
    """One kind of name that a provider gives an order.

    `name` is what `linkOrder(kind:)` takes. `rule` names the provider setting that holds a template over the order
    (`"{order_number}"`), or is None when such a reference can only be linked or told by a provider. `pattern` is what a
    whole value must match, from the provider's documentation. `shared` says that several orders can have the same value
    (the route of a driver); any other value belongs to one order.
    """

    name: str
    title: str
    rule: str | None = None
    pattern: str = r"[^\x00-\x1f\x7f]{1,255}"
    linkable: bool = True
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """Facts about a provider, as data.

    `trust` ranks whose word on a delivery counts (0 is most trusted). `finds_by` are the reference kinds that
    `find_order` and `find_trackings` take. `estimates_arrival` says whether its trackings can carry an estimate;
    `stored` that its trackings are read from our own store and ask nobody; `page_size_limit` is the most that one
    search call returns; `concurrency` the most calls to run at once for one account, where the provider publishes no
    number our own; `calls_per_second` the most to begin in a second, None where it publishes none; `times` says how the
    provider states times, for whoever reads the documentation.
    """

    name: str
    title: str
    capabilities: frozenset[Capability]
    trust: int
    reference_kinds: tuple[ReferenceKind, ...]
    finds_by: tuple[str, ...]
    times: str
    concurrency: int
    documentation: str
    estimates_arrival: bool = False
    stored: bool = False
    page_size_limit: int | None = None
    calls_per_second: float | None = None


def _base_url(text: str) -> str:
    if web_url(text) is None or any((urlsplit(text).query, urlsplit(text).fragment, urlsplit(text).username)):
        raise ValueError("must be an http or https address without user name, query or fragment")
    return text


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Where a provider's API is, as a field of its settings; a trailing slash makes no difference."""


class ProviderSettings(BaseModel):
    """Base of every provider's settings (`[shops.<shop>.<provider>]`): frozen, and no unknown key passes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: BaseUrl = Field(description="Where the provider's API is.")
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Most calls to this account at once, of all workers together. Left out: what the provider "
        "publishes, or what is kind to it.",
    )
    calls_per_second: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="Most calls to this account in a second, of all workers together. Left out: what the provider "
        "publishes, or no limit.",
    )


REGISTRATION_TIME_LIMIT = timedelta(seconds=30)
"""How long a call may take of which a ledger keeps an attempt: an adapter ends it by then. An attempt that is older and
still open belongs to a process that died, or that never learnt what became of its call."""

LEDGER_TEXT_LIMIT = 255
"""Most characters that a ledger takes of an invoice's number, a carrier's code and a tracking number."""


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """The call is the caller's to make, and nobody else's until it has said what became of it.

    `begun_at` is the ledger's own number for the moment: it tells this attempt from later ones.
    """

    invoice_number: str
    carrier_code: str
    tracking_number: str
    begun_at: float


@dataclass(frozen=True, slots=True)
class AttemptRunning:
    """Somebody else may be making the call at this moment."""


@dataclass(frozen=True, slots=True)
class AttemptUnfinished:
    """The call was begun once and nobody knows whether it was done: it must not be made again."""


class TrackerLedger(Protocol):
    """Our own record of trackers registered at a provider that cannot be asked for them, and makes two of what is sent
    twice (Billink).

    The gateway's store implements it for one shop, for all workers and machines. A tracker is one of an invoice, a
    carrier and a number, as the provider is told them: each printable and at most `LEDGER_TEXT_LIMIT` characters long,
    without blanks around it.
    """

    async def begin(
        self, invoice_number: str, carrier_code: str, tracking_number: str
    ) -> InvoiceTracker | AttemptBegun | AttemptRunning | AttemptUnfinished:
        """The tracker when it is stored. Else who may register it: of several that ask at once, one.

        What it raises means that nothing may be sent.
        """
        ...

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        """Store what was made and close its attempt; the tracker with the number that it got (`store_id` is ignored).

        One that is stored already is answered as it is.
        """
        ...

    async def abandon(self, attempt: AttemptBegun) -> None:
        """Close an attempt of which nothing came: the provider refused it, or never got it."""
        ...

    async def forget_attempt(self, invoice_number: str, carrier_code: str, tracking_number: str) -> bool:
        """Have the tracker registered anew though an attempt at it is unfinished: a person has looked that it was not
        done. False where one may still be running: that stays."""
        ...

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        """The stored trackers of an invoice, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What an adapter is given: an HTTP client of its own, the clock, and its shop's ledger."""

    client: httpx.AsyncClient
    clock: Clock
    ledger: TrackerLedger = field(repr=False)


@runtime_checkable
class Provider(Protocol):
    """What every adapter is."""

    @property
    def profile(self) -> ProviderProfile: ...

    async def check(self) -> str:
        """Make one cheap call that changes nothing; answer in a few words what it proved (`trackgraph check`)."""
        ...


@runtime_checkable
class OrderSource(Provider, Protocol):
    """Knows orders, with the trackings inside them."""

    async def find_order(self, reference: Reference) -> Order:
        """The one order whose `reference` matches exactly.

        Raises `OrderNotFound`, or `AmbiguousReference` when several match.
        """
        ...

    async def search_orders(self, search: OrderSearch, page: int, page_size: int) -> tuple[Order, ...]:
        """Page `page` (from 1) of the orders that match every filter, newest first; empty past the last one."""
        ...


@runtime_checkable
class TrackingSource(Provider, Protocol):
    """Knows the trackings of an order that it calls by `reference`."""

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        """All trackings behind `reference`. Raises `OrderNotFound` when the provider does not know the reference."""
        ...


@runtime_checkable
class RouteSource(Provider, Protocol):
    """Knows drivers' routes and their stops."""

    async def find_route(self, handle: str) -> Route:
        """The route with its stops. Raises `OrderNotFound` when there is none of that handle."""
        ...


@runtime_checkable
class TrackerSink(Provider, Protocol):
    """Registers trackers."""

    async def register_tracker(self, draft: TrackerDraft) -> Tracking:
        """Register `draft` once and answer what was made.

        Raises `RequestRejected` with violations whose `field` is a member of `TrackerDraft`
        (`("carrier_code",)`, `("media", "0", "content")`). A `ProviderTimeout`, or a `ProviderConnectionFailed` that
        was `sent`, means that the outcome is unknown. With a ledger, asking again is safe: it makes no second call,
        and raises `OutcomeUnknown` of the first one, or `WriteInProgress` while that may still be under way.
        """
        ...


@runtime_checkable
class OrderSink(Provider, Protocol):
    """Takes orders, their changes and their parcels.

    Every method raises `RequestRejected` with violations whose `field` leads into the draft it was given
    (`("address", "zip_code")`, `("trackings", "0", "carrier_reference")`), and `OrderNotFound` when the order or
    parcel to be changed is not there. A `ProviderTimeout`, or a `ProviderConnectionFailed` that was `sent`, leaves the
    outcome unknown.
    """

    async def place_order(self, draft: OrderDraft) -> None:
        """Place a new order. Refused with provider code `order_exists` when there is one: not safe to repeat."""
        ...

    async def upsert_order(self, upsert: OrderUpsert) -> None:
        """Bring an order to this state. Safe to repeat."""
        ...

    async def update_order(self, uuid: str, change: OrderChange) -> Order:
        """Change an order, named by the provider's own id, and answer it as it is then. Safe to repeat."""
        ...

    async def update_shipment(self, order_uuid: str, shipment_id: str, change: ShipmentChange) -> CarrierTracking:
        """Change a parcel and answer it as it is then. Safe to repeat."""
        ...

    async def fulfill_orders(self, upserts: tuple[OrderUpsert, ...]) -> None:
        """Bring 1 to 100 orders to this state, all or none. Safe to repeat."""
        ...


@runtime_checkable
class OrderTrackerSink(Provider, Protocol):
    """Keeps trackers on captured payments."""

    async def find_captures(self, paypal_order_id: str) -> tuple[Capture, ...]:
        """Every payment captured for the order, in the provider's order.

        Raises `OrderNotFound` when the provider does not know the order.
        """
        ...

    async def find_tracker(self, draft: OrderTrackerDraft, known_ids: Collection[str]) -> OrderTracker | None:
        """The tracker that an earlier `track_order` with this draft added, as it is now.

        `known_ids` are trackers of the order that were added for the draft's number, as far as the caller knows them.
        None when no tracker can be told to be it, or when it was cancelled. Raises `OrderNotFound` as `find_captures`.
        """
        ...

    async def track_order(self, draft: OrderTrackerDraft, request_id: str) -> OrderTracker:
        """Add a tracker.

        The same `request_id` (1 to 108 characters) with the same draft adds it once, for as long as the provider keeps
        such ids (PayPal: six hours). Later, `find_tracker` before repeating.
        """
        ...

    async def change_tracker(
        self, paypal_order_id: str, tracker_id: str, items: tuple[TrackerItem, ...] | None, notify_payer: bool | None
    ) -> None:
        """Replace the items, or whether the payer is told; None leaves them. Safe to repeat."""
        ...

    async def cancel_tracker(self, paypal_order_id: str, tracker_id: str) -> None:
        """Cancel a tracker, which cannot be undone. Safe to repeat."""
        ...


@runtime_checkable
class RouteSink(Provider, Protocol):
    """Sends drivers on routes."""

    async def track_route(self, draft: RouteDraft) -> Route:
        """Create and track a route of new orders, or start a planned one.

        Refused with provider code `duplicate_resource` when one of the orders is under way already: look it up before
        repeating.
        """
        ...


PROTOCOLS: dict[Capability, type] = {
    Capability.FIND_ORDERS: OrderSource,
    Capability.FIND_TRACKINGS: TrackingSource,
    Capability.FIND_ROUTES: RouteSource,
    Capability.REGISTER_TRACKERS: TrackerSink,
    Capability.WRITE_ORDERS: OrderSink,
    Capability.TRACK_PAYMENTS: OrderTrackerSink,
    Capability.TRACK_ROUTES: RouteSink,
}


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """How a provider is plugged in: its facts, its settings, and how an adapter is built.

    A third party publishes one as an entry point of the group `trackgraph.providers`.
    """

    profile: ProviderProfile
    settings: type[ProviderSettings]
    build: Callable[[ProviderSettings, ProviderContext], Provider]
