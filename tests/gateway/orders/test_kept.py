"""Orders that are found again by what was asked: the same object, and only while it is what it was."""

from __future__ import annotations

import gc
import weakref
from datetime import timedelta

import pytest

from gateway.freshness.keys import CacheKey, order_tag, reference_tag
from gateway.orders.needs import Part
from gateway.orders.service import OrderService
from tests.gateway.freshness.conftest import eventually
from tests.gateway.orders.builders import parcel, placed
from tests.gateway.orders.conftest import World, need, number

_ORDER_KEY = CacheKey("acme", "karla", "find_order", "order_number:4711").text

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
    order = loads.find_kept((asked.shop.slug, number("4711"), DETAILS))
    assert order is not None
    assert loads.max_age() is not None
    assert order_tag("acme", "4711") in (loads.names() or ())


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
