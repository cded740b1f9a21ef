"""Registering a tracker: made once, found by its number at once, and seen on the order's next reading."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.needs import Part
from gateway.orders.trackers import TrackerService
from gateway.resilience.calls import ProviderCalls
from gateway.resilience.health import HealthBook, HealthLevel
from gateway.store.database import StoreUnavailable
from gateway.store.invoice_trackers import NotBegun
from providers.errors import OutcomeUnknown, ProviderError, ProviderTimeout, RequestRejected
from providers.models import InvoiceTracker, Reference, TrackerDraft
from tests.gateway.orders.builders import invoice, placed
from tests.gateway.orders.conftest import World, need
from tests.gateway.orders.providers import BILLINK, TrackingBook, down

Leave = Callable[["World", "InvoiceBook"], Awaitable[None]]
"""A way in which a caller stops waiting for a registration that is under way."""

DRAFT = TrackerDraft(
    reference=Reference(provider="billink", kind="invoice_number", value="4711"),
    carrier_code="POSTNL",
    tracking_number="B1",
)


@dataclass
class InvoiceBook(TrackingBook):
    """A `TrackerSink` whose trackings are those registered at it.

    A registration ends when the gate is open, with `error` if there is one.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    async def register_tracker(self, draft: TrackerDraft) -> InvoiceTracker:
        self._called("register")
        self.arrived.set()
        await self.gate.wait()
        if self.error:
            raise self.error
        tracker = invoice(draft.reference.value, draft.tracking_number)
        self.knows(draft.reference.value, tracker)
        return tracker


@pytest.fixture
def billink(world: World) -> InvoiceBook:
    book = InvoiceBook(BILLINK)
    book.gate.set()
    world.billink = book
    world.shop = type(world.shop)("acme", None, {**world.shop.providers, "billink": book}, world.shop.rules)
    return book


def trackers(world: World) -> TrackerService:
    return TrackerService(world.loads().calls, world.sightings, world.cache)


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


async def test_what_may_be_registered_and_is_not_in_the_store_must_not_be_sent_again(
    world: World, billink: InvoiceBook, caplog: pytest.LogCaptureFixture
) -> None:
    billink.error = StoreUnavailable("database is locked")
    with pytest.raises(OutcomeUnknown) as raised:
        await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))
    assert not raised.value.retryable
    (line,) = caplog.messages
    assert line == "a tracker that billink may have registered is not in the store: database is locked"


async def test_a_store_that_fails_before_anything_is_sent_leaves_nothing_unknown(
    world: World, billink: InvoiceBook
) -> None:
    billink.error = NotBegun("database is locked")
    with pytest.raises(NotBegun):
        await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))


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
    is_down = world.services.calls.health("acme", "billink").level is HealthLevel.DOWN
    assert is_down == error.counts_as_fault


# Callers who do not wait for the end


async def leave_by_cancellation(world: World, billink: InvoiceBook) -> None:
    caller = asyncio.ensure_future(register(world, billink))
    await billink.arrived.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def leave_by_time_out(world: World, billink: InvoiceBook) -> None:
    world.services = replace(world.services, calls=ProviderCalls(HealthBook(world.clock), call_seconds=0.01))
    with pytest.raises(ProviderTimeout):
        await register(world, billink)


async def register(world: World, billink: InvoiceBook) -> object:
    return await trackers(world).register(world.shop, billink, DRAFT, world.identity(order_number="4711"))


async def quiet(others: set[asyncio.Task[object]]) -> None:
    """Wait until everything has ended that goes on besides `others`."""
    async with asyncio.timeout(5):
        while behind := asyncio.all_tasks() - others:
            await asyncio.wait(behind)


LEAVING = pytest.mark.parametrize("leave", [leave_by_cancellation, leave_by_time_out])


@LEAVING
async def test_what_is_registered_after_its_caller_has_gone_is_seen_all_the_same(
    world: World, billink: InvoiceBook, leave: Leave
) -> None:
    """It is in the index, and its order is read anew."""
    world.karla.orders = [placed()]
    await world.order(need(Part.DETAILS))
    world.forget_calls()
    billink.gate.clear()
    others = asyncio.all_tasks()
    await leave(world, billink)
    billink.gate.set()
    await quiet(others)
    assert await world.sightings.find_order_numbers("acme", "B1") == ("4711",)
    await world.order(need(Part.DETAILS))
    assert world.calls == {"billink": 1, "karla": 1}


@LEAVING
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            RequestRejected("billink", "register_tracker"),
            "a tracker that nobody waited for any more is not registered at billink: "
            "billink.register_tracker: PROVIDER_REJECTED",
        ),
        (
            StoreUnavailable("disk full"),
            "a tracker that billink may have registered is not in the store: disk full",
        ),
        (RuntimeError("a bug"), "a defect in registering a tracker at billink"),
    ],
)
async def test_what_goes_wrong_after_its_caller_has_gone_is_logged(
    world: World,
    billink: InvoiceBook,
    leave: Leave,
    error: Exception,
    line: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    billink.gate.clear()
    others = asyncio.all_tasks()
    await leave(world, billink)
    billink.error = error
    billink.gate.set()
    await quiet(others)
    has_traceback = {record.message: record.exc_info is not None for record in caplog.records}
    assert has_traceback[line] == isinstance(error, RuntimeError)


async def test_a_failure_that_its_caller_is_told_is_not_logged_besides(
    world: World, billink: InvoiceBook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    billink.error = ProviderTimeout("billink", "register_tracker")
    with pytest.raises(ProviderTimeout):
        await register(world, billink)
    await asyncio.sleep(0)
    assert caplog.messages == []
