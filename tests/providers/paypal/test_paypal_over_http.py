"""The PayPal adapter and PayPal's double get on over real HTTP, each after its own reading of the documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from providers.base import ProviderContext
from providers.drafts import OrderTrackerDraft
from providers.errors import OrderNotFound, ProviderConnectionFailed, RequestRejected, Violation
from providers.models import Capture, Carrier, OrderTracker, Reference, TrackerItem, TrackingStatus
from providers.paypal.adapter import PayPalAdapter
from providers.paypal.settings import PayPalSettings
from providers.simulation.clock import SimulationClock
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer, simulator_settings
from providers.simulation.world import SimulatedOrder, World
from tests.providers.ledgers import NoLedger

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW)


@pytest.fixture
async def server() -> AsyncIterator[SimulatorServer]:
    async with SimulatorServer("paypal", World(ORDERS, SimulationClock(lambda: NOW))) as server:
        yield server


@pytest.fixture
async def adapter(server: SimulatorServer) -> AsyncIterator[PayPalAdapter]:
    settings = PayPalSettings.model_validate(simulator_settings({"paypal": server.url})["paypal"])
    async with httpx.AsyncClient(base_url=settings.base_url, trust_env=False) as client:
        yield PayPalAdapter(settings, ProviderContext(client, lambda: NOW, NoLedger()))


@pytest.fixture
def order(server: SimulatorServer) -> SimulatedOrder:
    world = server.control.world
    return next(order for order in world.orders if order.paypal_order_id and len(world.parcels(order)) == 1)


def draft_for(order: SimulatedOrder, **members: Any) -> OrderTrackerDraft:
    return OrderTrackerDraft(
        **{
            "paypal_order_id": order.paypal_order_id,
            "capture_id": order.capture_id,
            "tracking_number": "JD0146-0000 1234",
            "carrier": "DE_DHL",
            **members,
        }
    )


async def trackers(adapter: PayPalAdapter, order: SimulatedOrder) -> dict[str, OrderTracker]:
    reference = Reference(provider="paypal", kind="paypal_order_id", value=str(order.paypal_order_id))
    found = (await adapter.find_trackings(reference)).trackings
    return {tracker.tracker_id: tracker for tracker in found if isinstance(tracker, OrderTracker)}


async def test_a_tracker_is_added_changed_and_cancelled(adapter: PayPalAdapter, order: SimulatedOrder) -> None:
    order_id = str(order.paypal_order_id)
    items = (TrackerItem(name="Parcel", quantity="1", sku=order.products[0]["sku"]),)
    added = await adapter.track_order(draft_for(order, items=items), "key-1")
    assert (added.tracking_number, added.carrier) == ("JD0146-0000 1234", Carrier(reference="DE_DHL"))
    # Read back it is the same, without what PayPal never gives back.
    read = (await trackers(adapter, order))[added.tracker_id]
    assert read == added.model_copy(update={"tracking_number": None, "carrier": None})
    await adapter.change_tracker(order_id, added.tracker_id, (), notify_payer=True)
    await adapter.cancel_tracker(order_id, added.tracker_id)
    await adapter.cancel_tracker(order_id, added.tracker_id)
    cancelled = (await trackers(adapter, order))[added.tracker_id]
    assert (cancelled.items, cancelled.status) == ((), TrackingStatus.CANCELLED)


async def test_a_repeated_key_adds_once_although_another_tracker_came_between(
    adapter: PayPalAdapter, order: SimulatedOrder
) -> None:
    first = await adapter.track_order(draft_for(order), "key-1")
    other = await adapter.track_order(draft_for(order, tracking_number="2"), "key-2")
    again = await adapter.track_order(draft_for(order), "key-1")
    assert first.tracker_id == again.tracker_id != other.tracker_id
    assert len(await trackers(adapter, order)) == 3


async def test_a_withdrawn_token_does_not_stop_a_write(
    adapter: PayPalAdapter, server: SimulatorServer, order: SimulatedOrder
) -> None:
    await adapter.check()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        await client.post("/_simulator/tokens/revoke")
    assert (await adapter.track_order(draft_for(order), "key-1")).tracker_id in await trackers(adapter, order)


@pytest.mark.parametrize(
    ("members", "violation"),
    [
        ({"capture_id": "NOSUCHCAPTURE"}, Violation(("capture_id",), "CAPTURE_ID_NOT_FOUND")),
        ({"carrier": "NO_SUCH"}, Violation(("carrier",), "INVALID_PARAMETER_VALUE")),
        ({"carrier": "OTHER"}, Violation(("carrier_name_other",), "MISSING_REQUIRED_PARAMETER")),
        ({"items": (TrackerItem(sku="NONE"),)}, Violation(("items", "0", "sku"), "ITEM_SKU_MISMATCH")),
    ],
)
async def test_a_refused_draft_is_told_by_its_member(
    adapter: PayPalAdapter, order: SimulatedOrder, members: dict[str, Any], violation: Violation
) -> None:
    with pytest.raises(RequestRejected) as caught:
        await adapter.track_order(draft_for(order, **members), "key-1")
    assert (caught.value.provider_code, caught.value.violations) == (violation.provider_code, (violation,))


async def test_refused_items_of_a_change_are_told_by_their_place(adapter: PayPalAdapter, order: SimulatedOrder) -> None:
    added = await adapter.track_order(draft_for(order), "key-1")
    items = (TrackerItem(sku=order.products[0]["sku"]), TrackerItem(sku="NONE"))
    with pytest.raises(RequestRejected) as caught:
        await adapter.change_tracker(str(order.paypal_order_id), added.tracker_id, items, None)
    assert caught.value.violations == (Violation(("items", "1", "sku"), "ITEM_SKU_MISMATCH"),)


async def test_what_is_not_there_is_not_found(adapter: PayPalAdapter, order: SimulatedOrder) -> None:
    with pytest.raises(OrderNotFound):
        await adapter.track_order(draft_for(order, paypal_order_id="NOSUCHORDER"), "key-1")
    with pytest.raises(OrderNotFound):
        await adapter.cancel_tracker(str(order.paypal_order_id), "NOSUCHTRACKER")


async def test_a_lost_answer_can_be_asked_for_again_with_the_same_key(
    adapter: PayPalAdapter, server: SimulatorServer, order: SimulatedOrder
) -> None:
    """The request arrives and its answer does not; the second request adds nothing and finds what the first made."""
    server.control.faults.arm(Fault(mode=FaultMode.TRUNCATE, method="POST", path="*/track", count=1))
    with pytest.raises(ProviderConnectionFailed) as lost:
        await adapter.track_order(draft_for(order), "key-1")
    added = await adapter.track_order(draft_for(order), "key-1")
    assert lost.value.sent
    assert len(await trackers(adapter, order)) == 1 + 1
    assert added.tracker_id in await trackers(adapter, order)


async def test_a_tracker_is_found_again_by_its_draft(adapter: PayPalAdapter, order: SimulatedOrder) -> None:
    draft = draft_for(order)
    assert await adapter.find_tracker(draft, ()) is None
    added = await adapter.track_order(draft, "key-1")
    assert await adapter.find_tracker(draft, ()) == added
    assert await adapter.find_tracker(draft_for(order, tracking_number="2"), ()) is None
    await adapter.cancel_tracker(str(order.paypal_order_id), added.tracker_id)
    assert await adapter.find_tracker(draft, ()) is None


@pytest.mark.parametrize("status", ["COMPLETED", "PARTIALLY_REFUNDED"])
async def test_captures_are_told_with_their_status(
    adapter: PayPalAdapter, server: SimulatorServer, order: SimulatedOrder, status: str
) -> None:
    order_id = str(order.paypal_order_id)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        await client.put("/_simulator/circumstances", json={order_id: {"capture_status": status}})
    assert await adapter.find_captures(order_id) == (
        Capture(paypal_order_id=order_id, capture_id=str(order.capture_id), status=status),
    )


async def test_captures_of_an_order_that_is_not_there_are_not_found(adapter: PayPalAdapter) -> None:
    with pytest.raises(OrderNotFound):
        await adapter.find_captures("NOSUCHORDER")
