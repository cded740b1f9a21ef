"""How each kind of provider is told: what is looked up before, and what is answered afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.orders.attempts import Attempt
from gateway.orders.operation import Operation, OperationServices
from gateway.orders.registration.plan import ROLES
from gateway.orders.registration.shipment import Shipment
from gateway.orders.registration.steps import WAYS, CaptureRequired, Send, Telling, alone, way_of
from gateway.resilience.deadline import Deadline
from providers.base import PROTOCOLS, Capability, OrderSink, Provider
from providers.drafts import DestinationDraft, RouteDraft, RouteOrderDraft
from providers.models import Capture, OrderTracker, Reference, RouteTracking
from tests.databases import sqlite_url
from tests.gateway.orders.conftest import World
from tests.gateway.orders.providers import KARLA
from tests.gateway.orders.sinks import (
    DispatchBook,
    PaymentBook,
    WritableBook,
    writable_hypertrack,
    writable_karla,
    writable_paypal,
)

PARCEL = Shipment(tracking_number="N1", carrier="dhl")


@pytest.fixture
def store_url(store_file: Path) -> str:
    """One database is enough: the store is not what is tried here."""
    return sqlite_url(store_file)


@pytest.fixture
def karla(world: World) -> WritableBook:
    return writable_karla(world)


@pytest.fixture
def paypal(world: World) -> PaymentBook:
    return writable_paypal(world)


@pytest.fixture
def hypertrack(world: World) -> DispatchBook:
    return writable_hypertrack(world)


def captured(payment: str, capture: str, status: str = "COMPLETED") -> Capture:
    return Capture(paypal_order_id=payment, capture_id=capture, status=status)


async def prepared(world: World, sink: Provider, *references: tuple[str, str], **shipment: Any) -> Send:
    """What tells `sink` of a parcel whose order it calls by `references`, each a kind and a value."""
    way = way_of(sink)
    assert way is not None
    telling = Telling(
        shop=world.shop,
        sink=sink,
        shipment=PARCEL.model_copy(update=shipment),
        references=tuple(Reference(provider=sink.profile.name, kind=kind, value=value) for kind, value in references),
        order_number="4711",
        attempt=Attempt("request-1"),
        operation=Operation(OperationServices(world.links, world.services), Deadline.after(30)),
    )
    return await way.prepare(telling)


def paid(*payments: str) -> list[tuple[str, str]]:
    return [("paypal_order_id", payment) for payment in payments]


def driven(*handles: str) -> RouteDraft:
    stops = tuple(RouteOrderDraft(order_handle=handle, destination=DestinationDraft()) for handle in handles)
    return RouteDraft(worker_handle="james", orders=stops)


def test_every_kind_of_provider_that_is_planned_for_can_be_told() -> None:
    assert [way.protocol for way in WAYS] == [role.protocol for role in ROLES]
    writing = {
        Capability.WRITE_ORDERS,
        Capability.TRACK_PAYMENTS,
        Capability.REGISTER_TRACKERS,
        Capability.TRACK_ROUTES,
    }
    assert {way.protocol for way in WAYS} == {PROTOCOLS[capability] for capability in writing}


async def test_nothing_is_written_before_it_is_sent(world: World, karla: WritableBook) -> None:
    send = await prepared(world, karla, ("order_number", "4711"))
    assert karla.written == []
    assert await send() is None
    assert karla.written == ["upsert 4711"]


class TestPayments:
    async def test_the_capture_given_is_taken_at_its_word_where_there_is_one_payment(
        self, world: World, paypal: PaymentBook
    ) -> None:
        send = await prepared(world, paypal, *paid("PAY1"), capture_id="CAP9")
        assert paypal.calls == []
        made = await send()
        assert isinstance(made, OrderTracker)
        assert paypal.sent == [("N1", "request-1")]

    async def test_the_one_completed_capture_of_all_payments_is_taken(self, world: World, paypal: PaymentBook) -> None:
        paypal.captures = {
            "PAY1": (captured("PAY1", "CAP1", "DECLINED"),),
            "PAY2": (captured("PAY2", "CAP2", "PENDING"), captured("PAY2", "CAP3")),
        }
        made = await (await prepared(world, paypal, *paid("PAY1", "PAY2")))()
        assert isinstance(made, OrderTracker)
        assert made.paypal_order_id == "PAY2"

    async def test_a_given_capture_says_which_of_several_payments_is_meant(
        self, world: World, paypal: PaymentBook
    ) -> None:
        paypal.captures = {"PAY1": (captured("PAY1", "CAP1"),), "PAY2": (captured("PAY2", "CAP2"),)}
        made = await (await prepared(world, paypal, *paid("PAY1", "PAY2"), capture_id="CAP2"))()
        assert isinstance(made, OrderTracker)
        assert made.paypal_order_id == "PAY2"

    @pytest.mark.parametrize(
        ("captures", "given"),
        [
            ((), None),
            ((captured("PAY1", "CAP1", "PENDING"),), None),
            ((captured("PAY1", "CAP1"), captured("PAY1", "CAP2")), None),
            ((captured("PAY1", "CAP1"),), "CAP9"),
        ],
        ids=["none", "none completed", "several", "another"],
    )
    async def test_without_one_clear_capture_nothing_is_sent(
        self, world: World, paypal: PaymentBook, captures: tuple[Capture, ...], given: str | None
    ) -> None:
        paypal.captures = {"PAY1": captures, "PAY2": ()}
        with pytest.raises(CaptureRequired):
            await prepared(world, paypal, *paid("PAY1", "PAY2"), capture_id=given)
        assert paypal.sent == []


class TestRoutes:
    async def test_the_stop_that_is_called_as_the_order_is_is_what_was_made(
        self, world: World, hypertrack: DispatchBook
    ) -> None:
        send = await prepared(world, hypertrack, ("order_handle", "4711"), route=driven("4710", "4711", "4712"))
        made = await send()
        assert isinstance(made, RouteTracking)
        assert made.order_handle == "4711"

    async def test_the_only_stop_is_what_was_made_however_it_is_called(
        self, world: World, hypertrack: DispatchBook
    ) -> None:
        made = await (await prepared(world, hypertrack, ("order_handle", "4711"), route=driven("parcel-1")))()
        assert isinstance(made, RouteTracking)
        assert made.order_handle == "parcel-1"

    async def test_which_of_several_stops_was_made_is_not_guessed(self, world: World, hypertrack: DispatchBook) -> None:
        assert await (await prepared(world, hypertrack, route=driven("parcel-1", "parcel-2")))() is None

    async def test_what_is_under_way_already_is_done(self, world: World, hypertrack: DispatchBook) -> None:
        """The stop's handle is the shop's own: the same one again is the same stop, whoever sent it first."""
        for _ in range(2):
            made = await (await prepared(world, hypertrack, route=driven("parcel-1")))()
            assert isinstance(made, RouteTracking)


def test_of_several_providers_of_one_kind_the_one_that_is_meant_is_told(world: World, karla: WritableBook) -> None:
    other = WritableBook(replace(KARLA, name="other"))
    shop = replace(world.shop, providers={**world.shop.providers, "other": other})
    assert set(alone(shop, "other", OrderSink).providers) == {"hypertrack", "paypal", "billink", "other"}
    assert alone(world.shop, "karla", OrderSink) is world.shop
    assert karla.written == []
