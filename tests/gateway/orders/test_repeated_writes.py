"""Writes that are asked for again: what the first attempt did is found, and not done or refused a second time."""

from __future__ import annotations

import pytest

from gateway.orders.attempts import Attempt
from gateway.orders.identity import OrderKey
from gateway.orders.needs import Part
from gateway.orders.service import NotFound
from gateway.orders.writes import OrderTrackerWrites, OrderWrites, RouteWrites, Writer
from providers.drafts import DestinationDraft, OrderDraft, OrderTrackerDraft, RouteDraft, RouteOrderDraft
from providers.errors import OutcomeUnknown, ProviderServerFailed, ProviderTimeout, RequestRejected
from providers.models import Address
from tests.gateway.orders.builders import payment, placed, stop
from tests.gateway.orders.conftest import World, need, number
from tests.gateway.orders.sinks import (
    DispatchBook,
    PaymentBook,
    WritableBook,
    writable_hypertrack,
    writable_karla,
    writable_paypal,
)

REPEATED = Attempt("key-1", repeated=True)
DRAFT = OrderDraft(order_number="4712", external_id="ext-4712", address=Address(zip_code="10001"))


@pytest.fixture
def karla(world: World) -> WritableBook:
    return writable_karla(world)


@pytest.fixture
def paypal(world: World) -> PaymentBook:
    return writable_paypal(world)


@pytest.fixture
def hypertrack(world: World) -> DispatchBook:
    return writable_hypertrack(world)


def writes(world: World) -> OrderWrites:
    """The use cases of one more operation."""
    return OrderWrites(Writer(world.services, world.loads()), world.operation())


def tracker_writes(world: World) -> OrderTrackerWrites:
    return OrderTrackerWrites(Writer(world.services, world.loads()), world.directory())


def route_writes(world: World) -> RouteWrites:
    return RouteWrites(Writer(world.services, world.loads()))


class TestPlacingAgain:
    """Whoever places an order for the second time may be refused for what the first time did."""

    async def test_an_order_that_is_there_is_refused(self, world: World, karla: WritableBook) -> None:
        await writes(world).place(world.shop, DRAFT, Attempt.only())
        with pytest.raises(RequestRejected):
            await writes(world).place(world.shop, DRAFT, Attempt.only())
        assert karla.calls == []

    async def test_what_an_earlier_attempt_placed_is_placed(self, world: World, karla: WritableBook) -> None:
        assert isinstance(await world.find(need(Part.DETAILS), key=number("4712")), NotFound)
        await karla.place_order(DRAFT)  # and nobody learnt of it
        assert await writes(world).place(world.shop, DRAFT, REPEATED) == number("4712")
        assert not isinstance(await world.find(need(Part.DETAILS), key=number("4712")), NotFound)

    async def test_another_order_of_that_number_is_a_refusal(self, world: World, karla: WritableBook) -> None:
        karla.orders.append(placed("4712", external_id="ext-other"))
        with pytest.raises(RequestRejected):
            await writes(world).place(world.shop, DRAFT, REPEATED)

    @pytest.mark.parametrize("is_among_them", [True, False])
    async def test_of_two_orders_of_that_number_one_may_be_it(
        self, world: World, karla: WritableBook, is_among_them: bool
    ) -> None:
        others = ("ext-other", DRAFT.external_id if is_among_them else "ext-third")
        karla.orders += [placed("4712", external_id=external_id) for external_id in others]
        if is_among_them:
            assert await writes(world).place(world.shop, DRAFT, REPEATED) == number("4712")
        else:
            with pytest.raises(RequestRejected):
                await writes(world).place(world.shop, DRAFT, REPEATED)

    async def test_who_cannot_look_says_so(self, world: World, karla: WritableBook) -> None:
        karla.orders.append(placed("4712", external_id=DRAFT.external_id))
        karla.failure = ProviderTimeout("karla", "find_order")
        with pytest.raises(ProviderTimeout):
            await writes(world).place(world.shop, DRAFT, REPEATED)

    async def test_another_refusal_is_not_looked_into(self, world: World, karla: WritableBook) -> None:
        karla.write_failure = RequestRejected("karla", "place_order", provider_code="invalid_zip")
        with pytest.raises(RequestRejected):
            await writes(world).place(world.shop, DRAFT, REPEATED)
        assert karla.calls == []


TRACKER = OrderTrackerDraft(paypal_order_id="PAY1", capture_id="CAP1", tracking_number="N1", carrier="DE_DHL")


class TestAddingTrackersAgain:
    """The provider's memory of a request id ends long before ours of a key."""

    async def test_the_request_id_of_the_attempt_is_sent(self, world: World, paypal: PaymentBook) -> None:
        await tracker_writes(world).create(world.shop, TRACKER, Attempt("key-1"))
        assert (paypal.sent, paypal.calls) == ([("N1", "key-1")], [])

    async def test_a_tracker_that_is_there_is_not_added_again(self, world: World, paypal: PaymentBook) -> None:
        _, first = await tracker_writes(world).create(world.shop, TRACKER, Attempt("key-1"))
        identity, again = await tracker_writes(world).create(world.shop, TRACKER, REPEATED)
        assert (again, paypal.sent) == (first, [("N1", "key-1")])
        assert identity.given is not None

    async def test_what_is_not_there_is_added(self, world: World, paypal: PaymentBook) -> None:
        other = TRACKER.model_copy(update={"tracking_number": "N2"})
        await tracker_writes(world).create(world.shop, other, Attempt.only())
        await tracker_writes(world).create(world.shop, TRACKER, REPEATED)
        assert [number for number, _ in paypal.sent] == ["N2", "N1"]

    async def test_nothing_is_sent_when_nobody_can_look(self, world: World, paypal: PaymentBook) -> None:
        paypal.failure = ProviderTimeout("paypal", "find_tracker")
        with pytest.raises(ProviderTimeout):
            await tracker_writes(world).create(world.shop, TRACKER, REPEATED)
        assert paypal.sent == []

    async def test_what_an_earlier_attempt_added_is_read_anew(self, world: World, paypal: PaymentBook) -> None:
        """Also where that attempt died before it could have its copies forgotten."""
        key = OrderKey("paypal_order_id", "PAY1")
        before = await world.order(need(Part.TRACKINGS, "paypal"), key=key)
        assert before.trackings(need(Part.TRACKINGS)) == ()
        await tracker_writes(world).create(world.shop, TRACKER, Attempt("key-1"))
        await world.order(need(Part.TRACKINGS, "paypal"), key=key)
        paypal.knows("PAY1", payment(tracker="T-N1"), payment(tracker="T-N2"))
        await tracker_writes(world).create(world.shop, TRACKER, REPEATED)
        after = await world.order(need(Part.TRACKINGS, "paypal"), key=key)
        assert len(after.trackings(need(Part.TRACKINGS)) or ()) == 2


ROUTE = RouteDraft(
    worker_handle="james", orders=(RouteOrderDraft(order_handle="4711", destination=DestinationDraft()),)
)
PLANNED = RouteDraft(route_handle="R7")


class TestTrackingAgain:
    @pytest.mark.parametrize("draft", [ROUTE, PLANNED], ids=["new_orders", "planned"])
    async def test_what_is_under_way_is_refused(
        self, world: World, hypertrack: DispatchBook, draft: RouteDraft
    ) -> None:
        await route_writes(world).track(world.shop, draft, Attempt.only())
        with pytest.raises(RequestRejected):
            await route_writes(world).track(world.shop, draft, Attempt.only())
        assert hypertrack.calls == []

    @pytest.mark.parametrize("draft", [ROUTE, PLANNED], ids=["new_orders", "planned"])
    async def test_the_route_of_an_earlier_attempt_is_the_answer(
        self, world: World, hypertrack: DispatchBook, draft: RouteDraft
    ) -> None:
        hypertrack.write_failure = ProviderTimeout("hypertrack", "track_route")
        with pytest.raises(OutcomeUnknown):
            await route_writes(world).track(world.shop, draft, Attempt("key-1"))
        route = await route_writes(world).track(world.shop, draft, REPEATED)
        assert route == hypertrack.routes[route.route_handle]
        assert hypertrack.sent == 2

    async def test_the_route_of_an_earlier_attempt_is_read_anew(self, world: World, hypertrack: DispatchBook) -> None:
        """Also where that attempt died before it could have its copies forgotten."""
        assert isinstance(await world.find(need(Part.TRACKINGS, "hypertrack")), NotFound)
        assert (await world.operation().find_route(world.shop, "R1")).value is None
        made = await hypertrack.track_route(ROUTE)
        assert await route_writes(world).track(world.shop, ROUTE, REPEATED) == made
        assert not isinstance(await world.find(need(Part.TRACKINGS, "hypertrack")), NotFound)
        assert (await world.operation().find_route(world.shop, "R1")).value == made

    @pytest.mark.usefixtures("hypertrack")
    async def test_another_drivers_route_is_a_refusal(self, world: World) -> None:
        await route_writes(world).track(world.shop, ROUTE, Attempt.only())
        with pytest.raises(RequestRejected):
            await route_writes(world).track(world.shop, ROUTE.model_copy(update={"worker_handle": "anna"}), REPEATED)

    async def test_an_order_without_a_route_is_a_refusal(self, world: World, hypertrack: DispatchBook) -> None:
        await route_writes(world).track(world.shop, ROUTE, Attempt.only())
        hypertrack.knows("4711", stop())
        with pytest.raises(RequestRejected):
            await route_writes(world).track(world.shop, ROUTE, REPEATED)
        hypertrack.found = {}
        with pytest.raises(RequestRejected):
            await route_writes(world).track(world.shop, ROUTE, REPEATED)

    async def test_who_cannot_look_says_so(self, world: World, hypertrack: DispatchBook) -> None:
        await route_writes(world).track(world.shop, ROUTE, Attempt.only())
        hypertrack.failing.add("4711")
        with pytest.raises(ProviderServerFailed):
            await route_writes(world).track(world.shop, ROUTE, REPEATED)
