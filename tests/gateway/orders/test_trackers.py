"""Registering a tracker: made once, found by its number at once, and seen on the order's next reading."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.needs import Part
from gateway.orders.trackers import TrackerService
from gateway.resilience.health import HealthLevel
from gateway.store.database import StoreUnavailable
from providers.errors import OutcomeUnknown, ProviderError, RequestRejected
from providers.models import InvoiceTracker, Reference, TrackerDraft
from tests.gateway.orders.builders import invoice, placed
from tests.gateway.orders.conftest import World, need
from tests.gateway.orders.providers import BILLINK, TrackingBook, down

DRAFT = TrackerDraft(
    reference=Reference(provider="billink", kind="invoice_number", value="4711"),
    carrier_code="POSTNL",
    tracking_number="B1",
)


@dataclass
class InvoiceBook(TrackingBook):
    """A `TrackerSink` whose trackings are those registered at it."""

    drafts: list[TrackerDraft] = field(default_factory=list)

    async def register_tracker(self, draft: TrackerDraft) -> InvoiceTracker:
        self._called("register")
        self.drafts.append(draft)
        tracker = invoice(draft.reference.value, draft.tracking_number)
        self.knows(draft.reference.value, tracker)
        return tracker


@pytest.fixture
def billink(world: World) -> InvoiceBook:
    book = InvoiceBook(BILLINK)
    world.billink = book
    world.shop = type(world.shop)("acme", None, {**world.shop.providers, "billink": book}, world.shop.rules)
    return book


def trackers(world: World) -> TrackerService:
    return TrackerService(world.services, world.sightings, world.cache)


async def test_what_was_registered_is_on_the_order_at_once(world: World, billink: InvoiceBook) -> None:
    world.karla.orders = [placed()]
    registered_there = need(Part.TRACKINGS, "billink")
    assert (await world.order(registered_there)).trackings(registered_there) == ()
    made = await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))
    assert (await world.order(registered_there)).trackings(registered_there) == (made,)


async def test_its_number_leads_to_the_order(world: World, billink: InvoiceBook) -> None:
    await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))
    order = await world.order(key=OrderKey("tracking_number", "B1"))
    assert order.name(OrderName.NUMBER) == "4711"


async def test_what_may_be_registered_and_is_not_in_the_store_must_not_be_sent_again(world: World) -> None:
    class Unkept(InvoiceBook):
        """A sink that is registered at and whose store fails then."""

        async def register_tracker(self, draft: TrackerDraft) -> InvoiceTracker:
            await super().register_tracker(draft)
            raise StoreUnavailable("database is locked")

    with pytest.raises(OutcomeUnknown) as raised:
        await trackers(world).register(world.shop, Unkept(BILLINK), DRAFT, world.identity(order_number="4711"))
    assert not raised.value.retryable


async def test_registering_has_the_order_read_anew(world: World, billink: InvoiceBook) -> None:
    world.karla.orders = [placed()]
    await world.order(need(Part.DETAILS))
    await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))
    world.forget_calls()
    await world.order(need(Part.DETAILS))
    assert world.calls == {"karla": 1}


async def test_an_invoice_that_is_tied_to_no_order_is_registered_all_the_same(
    world: World, billink: InvoiceBook
) -> None:
    assert await trackers(world).register(world.shop, billink, DRAFT, world.identity()) == invoice()


@pytest.mark.parametrize("error", [down("billink"), RequestRejected("billink", "register_tracker")])
async def test_what_was_not_registered_is_not_indexed(world: World, billink: InvoiceBook, error: ProviderError) -> None:
    billink.failure = error
    with pytest.raises(type(error)):
        await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))
    assert await world.sightings.find_order_numbers("acme", "B1") == ()
    is_down = world.services.health.health("acme", "billink").level is HealthLevel.DOWN
    assert is_down == error.counts_as_fault
