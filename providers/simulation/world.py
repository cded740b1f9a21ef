"""What is true in the simulated world; each provider's simulator shows its own part of it in its own words.

An order is a script: everything that will ever happen to it, with the offset from its placing at which it happens. What
a simulator shows is the part of the script that the world's clock has passed, so moving the clock moves every shipment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NotRequired, TypedDict

from providers.simulation.clock import SimulationClock


class Story(StrEnum):
    """Which course an order takes; every one has generated orders."""

    DELIVERED = "delivered"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    FAILED = "failed"
    RETURNED = "returned"
    SEVERAL_PARCELS = "several_parcels"
    NONE_YET = "none_yet"
    PICK_UP = "pick_up"
    BUNDLE = "bundle"
    OWN_DRIVER = "own_driver"


class ScriptedProduct(TypedDict):
    """A line of an order in the world's own words: `price` is an amount as text, in the order's currency.

    A bundle lists what is in it under `bundled`; a part of a bundle has none.
    """

    title: str
    quantity: int
    price: str
    sku: str
    weight_grams: int
    image: str
    bundled: NotRequired[tuple[ScriptedProduct, ...]]


@dataclass(frozen=True, slots=True)
class ScriptedEvent:
    """A carrier's event: Karla's key, name and phase, and how long after the order's placing it happens."""

    after: timedelta
    key: str
    name: str
    phase: str
    city: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedParcel:
    """One parcel at a carrier. Its number is known from its first event on; `events` are in the order of time.

    `window` is from when to when the carrier expects to deliver, None where it says nothing. `flag` is Karla's word.
    A parcel with `pickup` waits at a pick-up point from its event of phase `collect` on.
    """

    shipment_uuid: str
    tracking_number: str
    carrier_reference: str
    flag: str
    events: tuple[ScriptedEvent, ...]
    window: tuple[timedelta, timedelta] | None
    pickup: bool = False


@dataclass(frozen=True, slots=True)
class ScriptedStop:
    """The order's own drop on a driver's route; `assigned`, `started`, `arrived`, `completed` are offsets."""

    route_handle: str
    worker_handle: str
    device_id: str
    latitude: float
    longitude: float
    scheduled: timedelta
    assigned: timedelta
    started: timedelta
    arrived: timedelta
    completed: timedelta
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class SimulatedOrder:
    """One order with everything that any provider knows about it.

    Amounts are text in `currency`: `total` is the lines and `shipping` less `discount`. `discount_code` is a code of
    ten per cent. HyperTrack calls the order's stop by the order's `number`, Billink its invoice.
    """

    number: str
    name: str
    external_id: str
    uuid: str
    story: Story
    placed_at: datetime
    customer: str
    email: str
    street: str
    zip_code: str
    city: str
    country_code: str
    products: tuple[ScriptedProduct, ...]
    total: str
    shipping: str
    currency: str
    expected_shipments: int
    parcels: tuple[ScriptedParcel, ...]
    paypal_order_id: str | None
    capture_id: str | None
    stop: ScriptedStop | None
    discount: str = "0.00"
    discount_code: str | None = None

    def packed_in(self, parcel: ScriptedParcel) -> tuple[ScriptedProduct, ...]:
        """The order's lines dealt out over its parcels in turn; where there are fewer lines, some parcel holds none."""
        return self.products[self.parcels.index(parcel) :: len(self.parcels)]


class World:
    """The orders, and the clock they live by. The script never changes; only the clock moves."""

    def __init__(self, orders: Sequence[SimulatedOrder], clock: SimulationClock) -> None:
        self.clock = clock
        self._orders = tuple(sorted(orders, key=lambda order: order.placed_at, reverse=True))
        self._by_number = {order.number: order for order in self._orders}
        self._by_paypal_order = {order.paypal_order_id: order for order in self._orders if order.paypal_order_id}

    def now(self) -> datetime:
        """The present of this world, in UTC."""
        return self.clock.now()

    @property
    def scripted(self) -> tuple[SimulatedOrder, ...]:
        """Every order of the script, placed by now or not, the newest first."""
        return self._orders

    @property
    def orders(self) -> tuple[SimulatedOrder, ...]:
        """The orders placed by now, the newest first."""
        now = self.now()
        return tuple(order for order in self._orders if order.placed_at <= now)

    def by_number(self, number: str) -> SimulatedOrder | None:
        """The order of that number, or None when there is none yet."""
        return self._if_placed(self._by_number.get(number))

    def by_paypal_order(self, paypal_order_id: str) -> SimulatedOrder | None:
        """The order paid with that PayPal order, or None when there is none yet."""
        return self._if_placed(self._by_paypal_order.get(paypal_order_id))

    def instant(self, order: SimulatedOrder, offset: timedelta) -> datetime:
        """When something at `offset` of the order's script happens."""
        return order.placed_at + offset

    def passed(self, order: SimulatedOrder, offset: timedelta) -> bool:
        """Whether something at `offset` of the order's script has happened."""
        return self.instant(order, offset) <= self.now()

    def parcels(self, order: SimulatedOrder) -> tuple[ScriptedParcel, ...]:
        """The order's parcels whose number is known by now: from their first event on."""
        return tuple(parcel for parcel in order.parcels if self.passed(order, parcel.events[0].after))

    def _if_placed(self, order: SimulatedOrder | None) -> SimulatedOrder | None:
        return order if order and order.placed_at <= self.now() else None
