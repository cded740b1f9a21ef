"""Writes: sent once, and whatever they may have changed is read anew, under every name it is kept by."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from gateway.orders.errors import ProviderNotConfigured
from gateway.orders.identity import OrderKey
from gateway.orders.needs import Part
from gateway.orders.service import NotFound
from gateway.orders.writes import OrderTrackerWrites, OrderWrites, RouteWrites, Writer
from gateway.resilience.health import HealthLevel
from providers.drafts import (
    OrderChange,
    OrderDraft,
    OrderReferenceType,
    OrderTrackerDraft,
    OrderUpsert,
    RouteDraft,
    ShipmentChange,
)
from providers.errors import (
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    RequestRejected,
)
from providers.models import Address, CarrierTracking, Order
from tests.gateway.orders.builders import placed
from tests.gateway.orders.conftest import World, need, number
from tests.gateway.orders.providers import KARLA, OrderBook, down

ORDER_UUID = UUID("b4fadda9-61f4-4041-94d2-7a01ee0082b4")
DRAFT = OrderDraft(order_number="4712", external_id="ext-4712", order_name="#4712", address=Address(zip_code="10001"))


@dataclass
class WritableBook(OrderBook):
    """An `OrderSink` that keeps what it is given; `write_failure` is raised by writes alone, after the deed."""

    write_failure: ProviderError | None = None
    written: list[str] = field(default_factory=list)

    async def place_order(self, draft: OrderDraft) -> None:
        self._write("place")
        self.orders.append(Order(order_number=draft.order_number, external_id=draft.external_id, uuid=UUID(int=1)))
        self._end()

    async def upsert_order(self, upsert: OrderUpsert) -> None:
        self._write(f"upsert {upsert.reference}")
        self.orders = [replace_count(order) for order in self.orders]
        self._end()

    async def fulfill_orders(self, upserts: tuple[OrderUpsert, ...]) -> None:
        self._write(f"fulfill {len(upserts)}")
        self.orders = [replace_count(order) for order in self.orders]
        self._end()

    async def update_order(self, uuid: str, change: OrderChange) -> Order:
        self._write(f"update {uuid}")
        self.orders = [
            order.model_copy(update={"expected_shipments": change.expected_shipments}) for order in self.orders
        ]
        self._end()
        return self.orders[0]

    async def update_shipment(self, order_uuid: str, shipment_id: str, change: ShipmentChange) -> CarrierTracking:
        self._write(f"update {order_uuid} {shipment_id}: {len(change.products or ())} products")
        raise OrderNotFound(self.profile.name, "update_shipment")

    def _write(self, what: str) -> None:
        self.written.append(what)

    def _end(self) -> None:
        if self.write_failure:
            raise self.write_failure


def replace_count(order: Order) -> Order:
    return order.model_copy(update={"expected_shipments": (order.expected_shipments or 0) + 1})


@pytest.fixture
def karla(world: World) -> WritableBook:
    book = WritableBook(KARLA)
    known = placed().model_copy(update={"uuid": ORDER_UUID, "external_id": "ext-4711", "order_name": "#4711"})
    book.orders = [known.model_copy(update={"expected_shipments": 1})]
    world.karla = book
    world.shop = replace(world.shop, providers={**world.shop.providers, "karla": book})
    return book


def writes(world: World) -> OrderWrites:
    """The use cases of one more operation."""
    return OrderWrites(Writer(world.services, world.loads()), world.operation())


async def shipments(world: World, key: OrderKey) -> int | None:
    """How many parcels the order behind `key` is said to be, by copy or by asking."""
    found = await world.find(need(Part.DETAILS), key=key)
    return None if isinstance(found, NotFound) or found.details is None else found.details.expected_shipments


KEYS = [
    OrderKey("order_number", "4711"),
    OrderKey("external_id", "ext-4711"),
    OrderKey("order_name", "#4711"),
    OrderKey("uuid", str(ORDER_UUID)),
]


@pytest.mark.usefixtures("karla")
@pytest.mark.parametrize("read_by", KEYS, ids=lambda key: key.kind)
@pytest.mark.parametrize("written_by", OrderReferenceType)
async def test_a_write_by_one_name_is_seen_under_every_other(
    world: World, read_by: OrderKey, written_by: OrderReferenceType
) -> None:
    assert await shipments(world, read_by) == 1
    (reference,) = [key.value for key in KEYS if key.kind == written_by.value]
    key = await writes(world).upsert(world.shop, OrderUpsert(reference=reference, reference_type=written_by))
    assert key == OrderKey(written_by.value, reference)
    assert await shipments(world, read_by) == 2


@pytest.mark.usefixtures("karla")
@pytest.mark.parametrize(
    "key", [number("4712"), OrderKey("external_id", "ext-4712")], ids=["order_number", "external_id"]
)
async def test_that_there_was_no_such_order_is_forgotten_when_it_is_placed(world: World, key: OrderKey) -> None:
    assert isinstance(await world.find(need(Part.DETAILS), key=key), NotFound)
    assert await writes(world).place(world.shop, DRAFT) == number("4712")
    assert not isinstance(await world.find(need(Part.DETAILS), key=key), NotFound)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.kind)
async def test_an_order_is_changed_by_its_uuid_whatever_it_is_asked_by(
    world: World, karla: WritableBook, key: OrderKey
) -> None:
    made = await writes(world).update(world.shop, key, OrderChange(expected_shipments=9))
    assert (made, karla.written) == (number("4711"), [f"update {ORDER_UUID}"])
    assert await shipments(world, key) == 9


async def test_an_order_that_is_not_there_is_not_written(world: World, karla: WritableBook) -> None:
    with pytest.raises(OrderNotFound):
        await writes(world).update(world.shop, number("4713"), OrderChange(expected_shipments=9))
    assert karla.written == []


async def test_a_failed_read_is_told_as_it_is(world: World, karla: WritableBook) -> None:
    """Nothing was written, so a time-out of the reading is not an unknown outcome."""
    karla.failure = ProviderTimeout("karla", "find_order")
    with pytest.raises(ProviderTimeout):
        await writes(world).update(world.shop, number("4711"), OrderChange(expected_shipments=9))
    assert karla.written == []


MEANT: dict[str, tuple[ProviderError, type[ProviderError]]] = {
    "time-out": (ProviderTimeout("karla", "upsert_order"), OutcomeUnknown),
    "too many requests": (ProviderRateLimited("karla", "upsert_order", None), ProviderUnavailable),
    "503": (down("karla"), ProviderUnavailable),
    "refused": (RequestRejected("karla", "upsert_order"), RequestRejected),
    "credentials": (ProviderAuthFailed("karla", "upsert_order"), ProviderAuthFailed),
}


@pytest.mark.parametrize("failure", MEANT)
async def test_a_failure_is_told_as_what_it_means_for_the_writer(
    world: World, karla: WritableBook, failure: str
) -> None:
    karla.write_failure, expected = MEANT[failure]
    with pytest.raises(expected):
        await writes(world).upsert(world.shop, OrderUpsert(reference="4711"))
    assert karla.written == ["upsert 4711"]
    assert world.services.health.health("acme", "karla").level is (
        HealthLevel.DOWN if karla.write_failure.counts_as_fault else HealthLevel.HEALTHY
    )


@pytest.mark.parametrize(
    ("failure", "seen"), [(ProviderTimeout("karla", "upsert_order"), 2), (RequestRejected("karla", "upsert_order"), 1)]
)
async def test_a_copy_is_forgotten_when_nobody_knows_what_was_done(
    world: World, karla: WritableBook, failure: ProviderError, seen: int
) -> None:
    """And kept when nothing was: a refusal costs no reading. (This provider does the work before it fails.)"""
    await shipments(world, number("4711"))
    karla.write_failure = failure
    with pytest.raises(ProviderError):
        await writes(world).upsert(world.shop, OrderUpsert(reference="4711"))
    assert await shipments(world, number("4711")) == seen


async def test_several_orders_are_one_call(world: World, karla: WritableBook) -> None:
    keys = await writes(world).fulfill(world.shop, (OrderUpsert(reference="4711"), OrderUpsert(reference="4712")))
    assert (keys, karla.written) == ((number("4711"), number("4712")), ["fulfill 2"])
    assert await shipments(world, number("4711")) == 2


async def test_a_parcel_that_is_not_there_is_told(world: World, karla: WritableBook) -> None:
    with pytest.raises(OrderNotFound):
        await writes(world).update_shipment(world.shop, "4711", "P1", ShipmentChange(products=()))
    assert karla.written == [f"update {ORDER_UUID} P1: 0 products"]


async def test_what_no_provider_of_the_shop_takes_is_refused(world: World) -> None:
    """The books of this world can only be read."""
    writer = Writer(world.services, world.loads())
    with pytest.raises(ProviderNotConfigured):
        await writes(world).place(world.shop, DRAFT)
    with pytest.raises(ProviderNotConfigured):
        await OrderTrackerWrites(writer, world.directory()).create(
            world.shop, OrderTrackerDraft(paypal_order_id="1", capture_id="2")
        )
    with pytest.raises(ProviderNotConfigured):
        await RouteWrites(writer).track(world.shop, RouteDraft(route_handle="R1"))
    assert world.calls == {}
