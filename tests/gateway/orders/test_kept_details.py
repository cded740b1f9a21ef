"""Numbers and carriers of trackers on payments: joined to every reading, and never in place of the provider's word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.freshness.envelope import CacheResult
from gateway.orders.identity import OrderKey
from gateway.orders.kept_details import joined
from gateway.orders.needs import Part
from gateway.store.database import Database
from gateway.store.order_tracker_details import OrderTrackerDetails, TrackerDetails
from providers.models import Carrier, OrderTracker, TrackingsFound
from tests.databases import sqlite_url
from tests.gateway.orders.builders import generic, payment
from tests.gateway.orders.conftest import World, need, number

PAYMENT = OrderKey("paypal_order_id", "PAY1")
TRACKINGS = need(Part.TRACKINGS, "paypal")
UPS = Carrier(reference="UPS")
KEPT = {"PAY1": {"T1": TrackerDetails("N1", UPS)}}


def sent(number: str | None, carrier: Carrier | None, tracker: str = "T1") -> OrderTracker:
    return payment(tracker=tracker).model_copy(update={"tracking_number": number, "carrier": carrier})


async def shown(world: World, key: OrderKey = PAYMENT) -> list[tuple[str | None, Carrier | None]]:
    """Number and carrier of each tracker that an order is shown with."""
    order = await world.order(TRACKINGS, key=key)
    return [(tracking.tracking_number, tracking.carrier) for tracking in order.trackings(TRACKINGS) or ()]


class TestJoining:
    def test_what_is_lacking_comes_from_the_store(self) -> None:
        found = TrackingsFound(trackings=(payment(), payment(tracker="T2"), generic()))
        assert joined(found, KEPT).trackings == (sent("N1", UPS), payment(tracker="T2"), generic())

    def test_what_the_provider_tells_stays(self) -> None:
        dhl = Carrier(reference="DE_DHL")
        found = TrackingsFound(trackings=(sent("N9", None), sent(None, dhl)))
        assert joined(found, KEPT).trackings == (sent("N9", UPS), sent("N1", dhl))

    def test_the_tracker_of_another_payment_is_another_tracker(self) -> None:
        found = TrackingsFound(trackings=(payment(paypal_order="PAY2"),))
        assert joined(found, KEPT) == found


class TestReading:
    async def test_a_tracker_is_shown_with_what_it_was_sent_with(self, world: World) -> None:
        await world.services.order_tracker_details.keep("acme", sent("N1", UPS))
        world.paypal.knows("PAY1", payment(), payment(tracker="T2"))
        for _ in range(2):
            assert await shown(world) == [("N1", UPS), (None, None)]
        assert world.calls["paypal"] == 1, "the join is kept with the answer"

    async def test_another_shops_tracker_is_not_ours(self, world: World) -> None:
        await world.services.order_tracker_details.keep("other", sent("N1", UPS))
        world.paypal.knows("PAY1", payment())
        assert await shown(world) == [(None, None)]

    async def test_the_order_is_found_by_the_number(self, world: World) -> None:
        await world.link("paypal", "paypal_order_id", "PAY1")
        await world.services.order_tracker_details.keep("acme", sent("N1", UPS))
        world.paypal.knows("PAY1", payment())
        await shown(world, number("4711"))
        assert await world.sightings.find_order_numbers("acme", "N1") == ("4711",)

    async def test_the_number_of_a_payment_that_was_linked_later_is_found_too(self, world: World) -> None:
        """Then the copy was made when nobody knew the order's number."""
        await world.services.order_tracker_details.keep("acme", sent("N1", UPS))
        world.paypal.knows("PAY1", payment())
        await shown(world)
        await world.link("paypal", "paypal_order_id", "PAY1")
        await shown(world, number("4711"))
        assert world.calls["paypal"] == 1
        assert await world.sightings.find_order_numbers("acme", "N1") == ("4711",)


class TestStoreThatIsDown:
    @pytest.fixture
    async def broken(self, tmp_path: Path) -> AsyncIterator[OrderTrackerDetails]:
        """A store without tables."""
        database = Database(sqlite_url(tmp_path / "none.db"))
        yield OrderTrackerDetails(database)
        await database.aclose()

    async def test_the_answer_is_given_without_the_join_and_not_kept(
        self, world: World, broken: OrderTrackerDetails, caplog: pytest.LogCaptureFixture
    ) -> None:
        details = world.services.order_tracker_details
        await details.keep("acme", sent("N1", UPS))
        world.paypal.knows("PAY1", payment())
        world.services = replace(world.services, order_tracker_details=broken)
        order = await world.order(TRACKINGS, key=PAYMENT)
        part = order.parts["paypal"]
        assert (part.trackings, part.error, part.cache) == ((payment(),), None, CacheResult.MISS)
        assert "without the numbers and carriers" in caplog.text
        world.services = replace(world.services, order_tracker_details=details)
        assert await shown(world) == [("N1", UPS)]
        assert world.calls["paypal"] == 2

    async def test_what_lacks_nothing_is_not_looked_up(self, world: World, broken: OrderTrackerDetails) -> None:
        world.services = replace(world.services, order_tracker_details=broken)
        world.paypal.knows("PAY1", sent("N1", UPS), generic())
        for _ in range(2):
            assert (await shown(world))[0] == ("N1", UPS)
        assert world.calls["paypal"] == 1
