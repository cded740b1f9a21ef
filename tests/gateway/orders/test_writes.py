"""Writes: sent once, and whatever they may have changed is read anew, under every name it is kept by."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.orders.attempts import Attempt
from gateway.orders.errors import ProviderNotConfigured
from gateway.orders.identity import OrderKey
from gateway.orders.loads import Loads
from gateway.orders.needs import Part
from gateway.orders.service import NotFound
from gateway.orders.writes import OrderTrackerWrites, OrderWrites, RouteWrites, Writer
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import HealthLevel
from gateway.store.database import Database
from gateway.store.order_tracker_details import OrderTrackerDetails, TrackerDetails
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
from providers.models import (
    Address,
    Capture,
    Carrier,
)
from tests.databases import sqlite_url
from tests.gateway.orders.conftest import World, need, number
from tests.gateway.orders.providers import down
from tests.gateway.orders.sinks import ORDER_UUID, PaymentBook, WritableBook, writable_karla, writable_paypal

DRAFT = OrderDraft(order_number="4712", external_id="ext-4712", order_name="#4712", address=Address(zip_code="10001"))
TRACKER = OrderTrackerDraft(paypal_order_id="PAY1", capture_id="CAP1", tracking_number="N1", carrier="DE_DHL")


@pytest.fixture
def karla(world: World) -> WritableBook:
    return writable_karla(world)


@pytest.fixture
def paypal(world: World) -> PaymentBook:
    return writable_paypal(world)


def writes(world: World) -> OrderWrites:
    """The use cases of one more operation."""
    return OrderWrites(Writer(world.services, world.loads()), world.operation())


def tracker_writes(world: World) -> OrderTrackerWrites:
    return OrderTrackerWrites(Writer(world.services, world.loads()), world.directory())


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
    assert await writes(world).place(world.shop, DRAFT, Attempt.only()) == number("4712")
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
    assert world.services.calls.health("acme", "karla").level is (
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
        await writes(world).place(world.shop, DRAFT, Attempt.only())
    with pytest.raises(ProviderNotConfigured):
        await OrderTrackerWrites(writer, world.directory()).create(
            world.shop, OrderTrackerDraft(paypal_order_id="1", capture_id="2"), Attempt.only()
        )
    with pytest.raises(ProviderNotConfigured):
        await RouteWrites(writer).track(world.shop, RouteDraft(route_handle="R1"), Attempt.only())
    assert world.calls == {}


@pytest.mark.usefixtures("paypal")
class TestTrackersOnPayments:
    async def test_what_one_was_sent_with_is_kept(self, world: World) -> None:
        await tracker_writes(world).create(world.shop, TRACKER, Attempt.only())
        kept = await world.services.order_tracker_details.find("acme", "PAY1")
        assert kept == {"T-N1": TrackerDetails("N1", Carrier(reference="DE_DHL"))}

    async def test_nothing_is_kept_of_one_without_number_and_carrier(self, world: World) -> None:
        bare = OrderTrackerDraft(paypal_order_id="PAY1", capture_id="CAP1")
        await tracker_writes(world).create(world.shop, bare, Attempt.only())
        assert await world.services.order_tracker_details.find("acme", "PAY1") == {}

    async def test_a_store_that_fails_does_not_fail_what_was_written(
        self, world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """PayPal has the tracker, and it is read anew."""
        never_migrated = Database(sqlite_url(tmp_path / "none.db"))
        services = replace(world.services, order_tracker_details=OrderTrackerDetails(never_migrated))
        key = OrderKey("paypal_order_id", "PAY1")
        await world.order(need(Part.TRACKINGS, "paypal"), key=key)
        broken = OrderTrackerWrites(Writer(services, world.loads()), world.directory())
        _, made = await broken.create(world.shop, TRACKER, Attempt.only())
        assert made.tracking_number == "N1"
        assert "a tracker at paypal are not kept" in caplog.text
        after = await world.order(need(Part.TRACKINGS, "paypal"), key=key)
        assert len(after.trackings(need(Part.TRACKINGS)) or ()) == 1
        await never_migrated.aclose()

    async def test_captures_of_several_payments_are_told_in_their_order(
        self, world: World, paypal: PaymentBook
    ) -> None:
        captures = [
            Capture(paypal_order_id=order, capture_id=capture, status="COMPLETED")
            for order, capture in (("PAY1", "C1"), ("PAY1", "C2"), ("PAY2", "C3"))
        ]
        paypal.captures = {"PAY1": tuple(captures[:2]), "PAY2": tuple(captures[2:])}
        for _ in range(2):
            found = await tracker_writes(world).find_captures(world.shop, ["PAY2", "PAY1"])
            assert found == (captures[2], *captures[:2])
        assert len(paypal.calls) == 4, "captures are read anew each time"

    async def test_captures_of_a_payment_that_is_not_there_are_not_found(self, world: World) -> None:
        with pytest.raises(OrderNotFound):
            await tracker_writes(world).find_captures(world.shop, ["PAY3"])
        assert await tracker_writes(world).find_captures(world.shop, []) == ()


class TestGoingAway:
    """A client that goes away, or runs out of time, does not end the write."""

    async def test_what_is_written_when_nobody_waits_any_longer_is_read_anew(
        self, world: World, karla: WritableBook
    ) -> None:
        assert await shipments(world, number("4711")) == 1
        karla.gate = asyncio.Event()
        asked = asyncio.create_task(writes(world).upsert(world.shop, OrderUpsert(reference="4711")))
        await karla.arrived.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await shipments(world, number("4711")) == 1, "not done yet"
        karla.gate.set()
        await world.services.unfinished.aclose()
        assert await shipments(world, number("4711")) == 2

    async def test_its_failure_is_logged_by_its_code(
        self, world: World, karla: WritableBook, caplog: pytest.LogCaptureFixture
    ) -> None:
        karla.gate = asyncio.Event()
        karla.write_failure = ProviderTimeout("karla", "upsert_order")
        asked = asyncio.create_task(writes(world).upsert(world.shop, OrderUpsert(reference="4711")))
        await karla.arrived.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        karla.gate.set()
        await world.services.unfinished.aclose()
        assert "karla.upsert_order: OUTCOME_UNKNOWN" in caplog.text

    async def test_an_operation_that_has_no_time_left_still_writes(self, world: World, karla: WritableBook) -> None:
        """A write has the time of one call, whatever the operation around it has: a worker needs no other."""
        late = Loads(world.services, Deadline.after(0, time.monotonic))
        late_writes = OrderWrites(Writer(world.services, late), world.operation())
        assert await late_writes.upsert(world.shop, OrderUpsert(reference="4711")) == number("4711")
        assert karla.written == ["upsert 4711"]
