"""The orders that Karla's double knows: the world's, the documentation's, and what was written to or beside them.

The world's script never changes, so what is written lies over it: an order shows its script as far as the clock has
come, with the written members in place of the script's. What is documented nowhere is assumed: newest order first, an
upsert finds its order by its reference, by a reference that it was upserted by before, or by its external id; a written
tracking has no events, because no carrier has been heard of, and no carrier when none was named.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from typing import Protocol
from uuid import UUID, uuid5

from pydantic import BaseModel, JsonValue

from providers.karla.simulator_bodies import (
    EXACT,
    DateTime,
    OrderBody,
    OrderChangeBody,
    SearchQuery,
    ShipmentChangeBody,
    TrackingBody,
    UpsertBody,
)
from providers.karla.simulator_orders import MERCHANT_ID, SHOP_SLUG, Json, last_event_at, to_order
from providers.karla.simulator_refusals import ORDER_EXISTS, ORDER_NOT_FOUND, SHIPMENT_NOT_FOUND, Refused
from providers.simulation.world import SimulatedOrder, World

_IDS = UUID("6f2b1e0a-43a5-4c55-9d0e-3f9d0c8f7a11")
"""Namespace of the ids that are given here; the n-th of a run is always the same."""


class Origin(Protocol):
    """An order before anything was written to it: what to filter by, when, and its JSON when it is asked for."""

    @property
    def placed_at(self) -> datetime: ...
    @property
    def members(self) -> Mapping[str, str | None]: ...
    def is_there(self, now: datetime) -> bool: ...
    def updated_at(self) -> datetime | None: ...
    def to_json(self) -> Json: ...


@dataclass(frozen=True, slots=True)
class WorldOrder:
    """An order of the simulated world."""

    order: SimulatedOrder
    world: World

    @property
    def placed_at(self) -> datetime:
        return self.order.placed_at

    @property
    def members(self) -> Mapping[str, str | None]:
        order = self.order
        return {
            "order_number": order.number,
            "uuid": order.uuid,
            "external_id": order.external_id,
            "order_name": order.name,
            "email_id": order.email,
            "zip_code": order.zip_code,
        }

    def is_there(self, now: datetime) -> bool:
        return self.placed_at <= now

    def updated_at(self) -> datetime | None:
        return last_event_at(self.order, self.world)

    def to_json(self) -> Json:
        return to_order(self.order, self.world)


class _SampleEvent(BaseModel):
    time: DateTime


class _SampleTracking(BaseModel):
    events: list[_SampleEvent]


class _SampleAddress(BaseModel):
    zip_code: str


class _SampleOrder(BaseModel):
    """What the search reads of a documented order."""

    order_number: str
    order_name: str
    external_id: str
    uuid: str
    order_placed_at: DateTime
    email_id: str | None = None
    address: _SampleAddress
    trackings: list[_SampleTracking]


class DocumentedOrder:
    """An order of the documentation, answered as it stands there whatever the clock says."""

    def __init__(self, body: Json) -> None:
        self._body = body
        self._read = _SampleOrder.model_validate(body)

    @property
    def placed_at(self) -> datetime:
        return self._read.order_placed_at

    @property
    def members(self) -> Mapping[str, str | None]:
        return self._read.model_dump(include={*EXACT}) | {"zip_code": self._read.address.zip_code}

    def is_there(self, now: datetime) -> bool:
        return self.placed_at <= now

    def updated_at(self) -> datetime | None:
        return max(event.time for tracking in self._read.trackings for event in tracking.events)

    def to_json(self) -> Json:
        return self._body


@dataclass(frozen=True, slots=True)
class _NewOrder:
    """An order that was placed here. It is there at once, whenever it says that it was placed."""

    uuid: str
    placed_at: datetime

    @property
    def members(self) -> Mapping[str, str | None]:
        return {"uuid": self.uuid}

    def is_there(self, _now: datetime) -> bool:
        return True

    def updated_at(self) -> datetime | None:
        return None

    def to_json(self) -> Json:
        return {"uuid": self.uuid, "merchant_slug": SHOP_SLUG, "trackings": []}


class KnownOrder:
    """An order with what was written to it lying over what it was."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._written: Json = {}
        self._shipments: dict[str, Json] = {}
        self._shipped_at: datetime | None = None

    @property
    def uuid(self) -> str:
        return str(self._origin.members["uuid"])

    @property
    def placed_at(self) -> datetime:
        written = self._written.get("order_placed_at")
        return self._origin.placed_at if written is None else datetime.fromisoformat(str(written))

    @property
    def members(self) -> Mapping[str, str | None]:
        """What a search can ask for exactly."""
        address = self._written.get("address")
        written = {**self._written, **({"zip_code": address["zip_code"]} if isinstance(address, dict) else {})}
        return {**self._origin.members, **{name: str(written[name]) for name in EXACT if name in written}}

    def is_there(self, now: datetime) -> bool:
        """Whether it has been placed by then."""
        return self._origin.is_there(now)

    def updated_at(self) -> datetime | None:
        """When something last happened to a shipment, or was written to one."""
        return max((at for at in (self._origin.updated_at(), self._shipped_at) if at), default=None)

    def to_json(self) -> Json:
        if not self._written and not self._shipments:
            return self._origin.to_json()
        return {**self._origin.to_json(), **self._written, "trackings": [*self.shipments().values()]}

    def shipments(self) -> dict[str, Json]:
        """The order's trackings by their ids, the origin's first."""
        trackings = self._origin.to_json()["trackings"]
        assert isinstance(trackings, list)
        known = {str(each["id"]): each for each in trackings if isinstance(each, dict)}
        return {id_: {**known.get(id_, {}), **self._shipments.get(id_, {})} for id_ in {**known, **self._shipments}}

    def write(self, members: Json) -> None:
        """Members of the order itself, each in place of what it was."""
        self._written |= members

    def write_shipment(self, shipment_id: str, members: Json, now: datetime) -> None:
        """Members of a shipment, each in place of what it was; it is made when there is none of that id."""
        written = self._shipments.get(shipment_id, {})
        self._shipments[shipment_id] = {**written, **members, "updated_at": now.isoformat()}
        self._shipped_at = now


class Catalogue:
    """All orders, the newest first, and by each of their members; and every way to write to them.

    A write that cannot be done raises `Refused` and leaves everything as it was.
    """

    def __init__(self, origins: Iterable[Origin], world: World) -> None:
        self._world = world
        self._orders = sorted(map(KnownOrder, origins), key=lambda order: order.placed_at, reverse=True)
        self._by_member: dict[tuple[str, str | None], list[KnownOrder]] = defaultdict(list)
        self._by_reference: dict[tuple[str, str], KnownOrder] = {}
        self._numbers = count(1)
        for order in self._orders:
            for member in order.members.items():
                self._by_member[member].append(order)

    # Reading

    def page(self, query: SearchQuery) -> list[Json]:
        """The asked-for page of the orders that pass every filter; empty past the last one."""
        # No further than all orders: `islice` takes no number that the machine cannot count to.
        start = min((query.page - 1) * query.per_page, len(self._orders))
        return [order.to_json() for order in islice(self._matches(query), start, start + query.per_page)]

    def _matches(self, query: SearchQuery) -> Iterator[KnownOrder]:
        exact = query.exact()
        now = self._world.now()
        for order in self._candidates(exact):
            if order.is_there(now) and _passes(order, query, exact):
                yield order

    def _candidates(self, exact: Mapping[str, str]) -> list[KnownOrder]:
        first = next(iter(exact.items()), None)
        return self._orders if first is None else self._by_member.get(first, [])

    def _named(self, kind: str, name: str) -> KnownOrder | None:
        """The order of that name, the newest where there are several."""
        value = name.lower() if kind == "uuid" else name
        now = self._world.now()
        return next((order for order in self._by_member.get((kind, value), []) if order.is_there(now)), None)

    # Writing

    def place(self, body: OrderBody) -> KnownOrder:
        """A new order; its number and its external id must both be free."""
        if self._named("order_number", body.order_number) or self._named("external_id", body.external_id):
            raise Refused(ORDER_EXISTS)
        return self._create(body)

    def upsert(self, body: UpsertBody) -> KnownOrder:
        """The order as the upsert says; the same upsert again changes nothing."""
        order = self._meant_by(body)
        if order is None:
            order = self._create(_order_to_create(body))
        elif body.order is not None:
            self._rewrite(order, body.order.given())
        self._by_reference[body.id_type, body.id] = order
        for tracking in body.trackings:
            self._write_tracking(order, tracking)
        return order

    def upsert_all(self, bodies: list[UpsertBody]) -> list[KnownOrder]:
        """All of them, or none when one names an order that is not there yet and cannot be made."""
        for body in bodies:
            if self._meant_by(body) is None:
                _order_to_create(body)
        return [self.upsert(body) for body in bodies]

    def update(self, uuid: str, change: OrderChangeBody) -> KnownOrder:
        """The order with these members changed."""
        order = self._by_uuid(uuid)
        self._rewrite(order, change.given())
        return order

    def update_shipment(self, uuid: str, shipment_id: str, change: ShipmentChangeBody) -> Json:
        """The shipment with these members changed, products replaced as a whole."""
        order = self._by_uuid(uuid)
        shipment = order.shipments().get(shipment_id)
        if shipment is None:
            raise Refused(SHIPMENT_NOT_FOUND)
        given = change.given()
        members: Json = {name: value for name, value in given.items() if name == "products"}
        if "tracking_url" in given:
            members["carrier"] = {**_carrier_of(shipment), "tracking_url": given["tracking_url"]}
        order.write_shipment(shipment_id, members, self._world.now())
        return order.shipments()[shipment_id]

    def _by_uuid(self, uuid: str) -> KnownOrder:
        order = self._named("uuid", uuid)
        if order is None:
            raise Refused(ORDER_NOT_FOUND)
        return order

    def _meant_by(self, body: UpsertBody) -> KnownOrder | None:
        order = self._named(body.id_type, body.id) or self._by_reference.get((body.id_type, body.id))
        if order is None and body.order is not None:
            return self._named("external_id", body.order.external_id)
        return order

    def _create(self, body: OrderBody) -> KnownOrder:
        now = self._world.now()
        order = KnownOrder(_NewOrder(self._next_id(), now))
        order.write({"order_placed_at": now.isoformat(), **body.whole()})
        self._list(order)
        return order

    def _rewrite(self, order: KnownOrder, members: Json) -> None:
        self._orders.remove(order)
        for member in order.members.items():
            self._by_member[member].remove(order)
        order.write(members)
        self._list(order)

    def _list(self, order: KnownOrder) -> None:
        insort(self._orders, order, key=_newest_first)
        for member in order.members.items():
            insort(self._by_member[member], order, key=_newest_first)

    def _write_tracking(self, order: KnownOrder, body: TrackingBody) -> None:
        known = next((each for each in order.shipments().values() if _number_of(each) == body.tracking_number), None)
        shipment = known or self._new_shipment(order)
        given = body.given()
        members: Json = {name: value for name, value in given.items() if name in _OF_TRACKING}
        members["carrier"] = {
            **_carrier_of(shipment),
            **{name: value for name, value in given.items() if name in _OF_CARRIER},
        }
        order.write_shipment(str(shipment["id"]), {**({} if known else shipment), **members}, self._world.now())

    def _new_shipment(self, order: KnownOrder) -> Json:
        """A shipment of all the order's products, until told otherwise."""
        body = order.to_json()
        shipment_id = self._next_id()
        return {
            "uuid": shipment_id,
            "events": [],
            "carrier": {},
            "flag": "normal",
            "products": body.get("products", []),
            "id": shipment_id,
            "merchant_id": MERCHANT_ID,
            "merchant_slug": SHOP_SLUG,
            "shop_slug": SHOP_SLUG,
            "order_id": order.uuid,
            "order_number": body.get("order_number"),
        }

    def _next_id(self) -> str:
        return str(uuid5(_IDS, str(next(self._numbers))))


_OF_TRACKING = frozenset({"products"})
_OF_CARRIER = frozenset({"tracking_number", "carrier_reference", "tracking_url"})
"""Where the members of an upserted tracking are shown; no sample shows the others."""


def _order_to_create(body: UpsertBody) -> OrderBody:
    """Raises `Refused` when there is nothing to make the order of; ids of kind `uuid` are Karla's own to give."""
    if body.order is None or body.id_type == "uuid":
        raise Refused(ORDER_NOT_FOUND)
    return body.order


def _newest_first(order: KnownOrder) -> float:
    return -order.placed_at.timestamp()


def _carrier_of(shipment: Json) -> dict[str, JsonValue]:
    carrier = shipment.get("carrier")
    return carrier if isinstance(carrier, dict) else {}


def _number_of(shipment: Json) -> JsonValue:
    return _carrier_of(shipment).get("tracking_number")


def _passes(order: KnownOrder, query: SearchQuery, exact: Mapping[str, str]) -> bool:
    if exact.items() - order.members.items():
        return False
    if query.order_placed_from and order.placed_at < query.order_placed_from:
        return False
    if query.order_placed_to and order.placed_at > query.order_placed_to:
        return False
    since = query.shipment_updated_since
    return since is None or ((updated_at := order.updated_at()) is not None and updated_at >= since)
