"""Orders that are found again by what was asked: the same object, and only while it is what it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Hashable, Sequence
from datetime import timedelta

import pytest

from gateway.freshness.keys import CacheKey, order_tag, reference_tag, shop_tag
from gateway.orders.identity import OrderName
from gateway.orders.kept import KeptOrders
from gateway.orders.needs import Need, Part
from gateway.orders.pages import OrderPage, PageWindow
from gateway.orders.service import NotFound, OrderService
from gateway.schema.types import order as published
from providers.errors import AmbiguousReference
from providers.models import OrderSearch
from tests.gateway.freshness.conftest import eventually
from tests.gateway.orders.builders import parcel, placed
from tests.gateway.orders.conftest import World, need, number

_ORDER_KEY = CacheKey("acme", "karla", "find_order", "order_number:4711").text

WINDOW = PageWindow(0, 2)

DETAILS, KARLAS = need(Part.DETAILS), need(Part.TRACKINGS, "karla")


@pytest.fixture
async def asked(world: World) -> World:
    """A shop whose one order was asked for, so that a copy of it is at hand."""
    world.karla.orders = [placed(trackings=(parcel(number="P1"),))]
    await world.order(DETAILS, KARLAS)
    world.forget_calls()
    return world


async def test_a_fresh_copy_is_answered_as_the_same_order(asked: World) -> None:
    first, second = await asked.order(DETAILS, KARLAS), await asked.order(DETAILS, KARLAS)
    assert first is second
    assert first.token is not None
    assert asked.calls == {}


async def test_other_needs_of_the_same_copy_are_the_same_order(asked: World) -> None:
    assert await asked.order(DETAILS) is await asked.order(KARLAS)


@pytest.mark.parametrize(
    "tag", [order_tag("acme", "4711"), reference_tag("acme", "karla", "order_number", "4711")], ids=["order", "name"]
)
async def test_what_was_changed_is_asked_for_anew(asked: World, tag: str) -> None:
    before = await asked.order(DETAILS)
    await asked.cache.invalidate([tag])
    assert await asked.order(DETAILS) is not before
    assert asked.calls == {"karla": 1}


async def test_a_change_to_another_order_changes_nothing(asked: World) -> None:
    before = await asked.order(DETAILS)
    await asked.cache.invalidate([order_tag("acme", "4712"), order_tag("other", "4711")])
    assert await asked.order(DETAILS) is before


async def test_what_was_refreshed_is_answered_from_then_on(asked: World) -> None:
    before = await asked.order(DETAILS)
    asked.clock.advance(timedelta(seconds=11))
    asked.karla.orders = [placed(trackings=(parcel(number="P2"),))]
    await asked.order(DETAILS, refresh=True)
    after = await asked.order(DETAILS)
    assert after is not before
    assert after.details is not None
    assert [tracking.tracking_number for tracking in after.details.trackings] == ["P2"]


async def test_an_order_whose_name_turns_out_to_be_that_of_two_is_answered_no_longer(world: World) -> None:
    world.without("hypertrack", "paypal", "billink")
    one, two = placed(external_id="1"), placed(external_id="2")
    world.karla.orders = [one]
    for _ in range(2):
        await world.order(DETAILS)
    world.clock.advance(timedelta(seconds=11))
    world.karla.orders = [one, two]
    for refresh in (True, False):
        found = await world.find(DETAILS, refresh=refresh)
        assert isinstance(found, NotFound)
        assert isinstance(found.failures[0], AmbiguousReference)


async def test_a_copy_from_the_future_is_not_the_same_order(asked: World) -> None:
    """The clock went back: nobody can tell how old it is."""
    before = await asked.order(DETAILS)
    asked.clock.advance(-timedelta(hours=1))
    assert await asked.order(DETAILS) is not before


async def test_a_copy_that_is_no_longer_fresh_is_not_the_same_order(asked: World) -> None:
    before = await asked.order(DETAILS)
    asked.clock.advance(timedelta(days=1))
    assert await asked.order(DETAILS) is not before


async def test_an_order_with_parts_of_others_is_put_together_each_time(asked: World) -> None:
    """What rests on the store, or on several copies, is no copy's own."""
    everyone = need(Part.TRACKINGS)
    first, second = await asked.order(everyone), await asked.order(everyone)
    assert first is not second
    assert first.token is None


async def test_what_is_kept_counts_as_loaded(asked: World) -> None:
    """How long the answer stays fresh, and what it is made of, is told from it."""
    await asked.order(DETAILS)
    loads = asked.loads()
    order = loads.find_kept((asked.shop.slug, "order_number", "4711", DETAILS))
    assert order is not None
    assert loads.max_age() is not None
    assert order_tag("acme", "4711") in (loads.names() or ())


class TestPages:
    """A page of orders is found again in the same way, by what was searched and where."""

    @pytest.fixture
    async def searched(self, world: World) -> World:
        """A shop whose first page was asked for twice: from the second time on it is a copy."""
        world.karla.orders = [placed(trackings=(parcel(number="P1"),)), placed("4712")]
        for _ in range(2):
            await world.operation().search(world.shop, OrderSearch(), WINDOW, [DETAILS, KARLAS])
        world.forget_calls()
        return world

    async def test_a_fresh_copy_is_answered_as_the_same_page(self, searched: World) -> None:
        first, second = self.at_hand(searched), self.at_hand(searched)
        assert first is not None
        assert first is second
        assert first is await searched.operation().search(searched.shop, OrderSearch(), WINDOW, [DETAILS, KARLAS])
        assert [order.name(OrderName.NUMBER) for order in first.orders] == ["4711", "4712"]
        assert searched.calls == {}

    @pytest.mark.parametrize(
        ("search", "window", "needs"),
        [
            (OrderSearch(order_name="#1"), PageWindow(0, 2), [DETAILS, KARLAS]),
            (OrderSearch(), PageWindow(2, 2), [DETAILS, KARLAS]),
            (OrderSearch(), PageWindow(0, 2), [DETAILS]),
        ],
        ids=["search", "window", "needs"],
    )
    async def test_another_question_is_another_page(
        self, search: OrderSearch, window: PageWindow, needs: list[Need], searched: World
    ) -> None:
        assert searched.operation().page_at_hand(searched.shop, search, window, needs) is None

    @pytest.mark.parametrize("tag", [order_tag("acme", "4712"), shop_tag("acme")])
    async def test_a_change_to_one_of_its_orders_is_one_to_the_page(self, tag: str, searched: World) -> None:
        await searched.cache.invalidate([tag])
        assert self.at_hand(searched) is None

    async def test_a_page_that_is_no_longer_fresh_is_not_at_hand(self, searched: World) -> None:
        searched.clock.advance(timedelta(days=1))
        assert self.at_hand(searched) is None

    async def test_a_page_with_parts_of_others_is_put_together_each_time(self, searched: World) -> None:
        needs = [need(Part.TRACKINGS)]
        for _ in range(2):
            await searched.operation().search(searched.shop, OrderSearch(), WINDOW, needs)
        assert searched.operation().page_at_hand(searched.shop, OrderSearch(), WINDOW, needs) is None

    async def test_its_orders_need_no_asking(self, searched: World) -> None:
        """What is selected on an order of the page, from another place, is answered from the page."""
        operation = searched.operation()
        assert operation.page_at_hand(searched.shop, OrderSearch(), WINDOW, [DETAILS, KARLAS]) is not None
        await searched.cache.invalidate([reference_tag("acme", "karla", "order_number", "4711")])
        await operation.find(searched.shop, number("4711"), [DETAILS])
        assert searched.calls == {}

    @staticmethod
    def at_hand(world: World) -> OrderPage | None:
        return world.operation().page_at_hand(world.shop, OrderSearch(), WINDOW, [DETAILS, KARLAS])


def remembered(asked: World, questions: Sequence[Hashable], names: frozenset[str], max_bytes: int) -> list[Hashable]:
    """Which of `questions` are still remembered in `max_bytes` after all of them were asked."""
    found = asked.services.kept.find(("acme", "order_number", "4711", DETAILS))
    assert found is not None
    order, _record, lookup = found
    kept = KeptOrders(asked.cache, max_bytes)
    for question in questions:
        kept.keep(question, order, lookup, names, asked.cache.instant())
    return [question for question in questions if kept.find(question)]


async def test_what_is_remembered_has_an_end(asked: World) -> None:
    """Clients choose what they ask: what was asked last is remembered, up to so many names that it was made of."""
    order = await asked.order(DETAILS)
    assert remembered(asked, range(10), frozenset("name"), 3_000) == [7, 8, 9]
    assert order.token is not None


async def test_the_words_of_a_question_take_room(asked: World) -> None:
    """A search may be for anything, and what it was for is held for as long as it is remembered."""
    order = await asked.order(DETAILS)
    questions = [("acme", 0, 30, f"{place}" + "x" * 10_000) for place in range(10)]
    assert remembered(asked, questions, frozenset("n"), 50_000) == questions[-2:]
    assert order.token is not None


async def test_what_is_published_of_an_order_is_made_once_however_providers_are_named(asked: World) -> None:
    """Clients write the list; what is kept with the order is kept by whom it names."""
    order = published.Order(loaded=await asked.order(DETAILS, KARLAS), needs=())
    assert order.trackings(providers=["karla"]) is order.trackings(providers=["karla"] * 3)
    assert order.events(providers=["karla", "paypal"]) is order.events(providers=["paypal", "karla"])
    assert order.trackings(providers=[]) == []


async def test_what_is_no_longer_held_is_gone_at_once(asked: World) -> None:
    """An order, its record and what was derived from it refer to each other; nobody should have to look for that."""
    order = await asked.order(DETAILS, KARLAS)
    order.derived.of("published", [order].copy)
    gone = weakref.ref(order)
    del order
    gc.collect()
    assert gone() is not None
    gc.disable()
    try:
        asked.cache._decoded.drop(_ORDER_KEY)
        assert gone() is None
    finally:
        gc.enable()


async def test_an_order_that_is_answered_once_keeps_nothing(asked: World) -> None:
    order = await asked.order(need(Part.TRACKINGS))
    assert order.derived.of("list", list) is not order.derived.of("list", list)


async def test_an_operation_that_is_over_holds_nothing(asked: World) -> None:
    """What is remembered of it, a look-up, must not keep everything that it has loaded."""
    await asked.cache.invalidate([order_tag("acme", "4711")])
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):  # asked for, and found at hand and remembered
            loads = asked.loads()
            await OrderService(asked.directory(), loads).find(asked.shop, number("4711"), [DETAILS, KARLAS])
            over = weakref.ref(loads)
            del loads
            await eventually(lambda over=over: over() is None)  # type: ignore[misc]
    finally:
        gc.enable()
