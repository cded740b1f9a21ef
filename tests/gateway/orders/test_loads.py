"""What is kept and noted on the way of a load."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from gateway.freshness.envelope import CacheResult, Loaded
from gateway.orders.loads import STORED_STAYS, Loads, waited_for
from gateway.orders.needs import Part
from gateway.orders.service import OrderService
from gateway.resilience.deadline import Deadline
from gateway.resilience.health import HealthLevel
from providers.models import Order, OrderSearch, Reference, TrackingStatus
from tests.figures import Added
from tests.gateway.orders.builders import happened, invoice, parcel, placed, stop
from tests.gateway.orders.conftest import World, need, number
from tests.gateway.orders.providers import KARLA, OrderBook, down

Found = asyncio.Task[Loaded[Order]]

DETAILS = need(Part.DETAILS)
ALL = need(Part.TRACKINGS)


def named(kind: str, value: str) -> Reference:
    return Reference(provider="karla", kind=kind, value=value)


async def test_an_order_found_by_another_name_is_kept_under_its_number_too(world: World) -> None:
    world.karla.orders = [placed("4711", external_id="X1")]
    await waited_for(world.loads().order(world.shop, world.karla, named("external_id", "X1"), refresh=False))
    by_number = await waited_for(
        world.loads().order(world.shop, world.karla, named("order_number", "4711"), refresh=False)
    )
    assert (by_number.cache, by_number.value) == (CacheResult.HIT, world.karla.orders[0])
    assert world.calls == {"karla": 1}


async def test_an_order_that_is_refreshed_by_one_name_is_asked_for_anew_by_the_others(world: World) -> None:
    world.karla.orders = [placed("4711", external_id="X1")]
    by_id, by_number = named("external_id", "X1"), named("order_number", "4711")
    await waited_for(world.loads().order(world.shop, world.karla, by_id, refresh=False))
    world.clock.advance(timedelta(seconds=11))
    world.karla.orders = [placed("4711", external_id="X1", trackings=(parcel(number="P2"),))]
    for reference, result in ((by_number, CacheResult.BYPASS), (by_number, CacheResult.HIT), (by_id, CacheResult.MISS)):
        is_first = result is CacheResult.BYPASS
        found = await waited_for(world.loads().order(world.shop, world.karla, reference, refresh=is_first))
        assert (found.cache, found.value) == (result, world.karla.orders[0])


async def test_copies_that_are_served_are_counted_when_it_is_said_that_they_are(world: World) -> None:
    world.karla.orders = [placed()]
    await world.order(DETAILS)
    given_up, stands = world.loads(), world.loads()
    added = Added()
    for loads in (given_up, stands):
        loads.hold_hits()
        await OrderService(world.directory(), loads).find(world.shop, number("4711"), [DETAILS])
    assert added("trackgraph_cache_loads_total", result="HIT") == 0
    stands.count_hits()
    assert added("trackgraph_cache_loads_total", result="HIT") == 1
    await OrderService(world.directory(), stands).find(world.shop, number("4711"), [DETAILS])
    assert added("trackgraph_cache_loads_total", result="HIT") == 2


async def test_what_a_search_found_is_kept_under_each_number(world: World) -> None:
    world.karla.orders = [placed("1"), placed("2"), placed(None, external_id="X3")]
    await world.loads().page(world.shop, world.karla, OrderSearch(), 1, 30)
    second = await waited_for(world.loads().order(world.shop, world.karla, named("order_number", "2"), refresh=False))
    assert second.cache is CacheResult.HIT
    assert world.calls == {"karla": 1}


async def test_not_found_is_remembered_briefly(world: World) -> None:
    for _ in range(2):
        found = await waited_for(
            world.loads().order(world.shop, world.karla, named("order_number", "1"), refresh=False)
        )
        assert (found.value, found.error) == (None, None)
    assert world.calls == {"karla": 1}
    world.clock.advance(world.services.policy.settings.not_found)
    await waited_for(world.loads().order(world.shop, world.karla, named("order_number", "1"), refresh=False))
    assert world.calls == {"karla": 2}


async def test_the_same_number_at_two_shops_is_two_orders(world: World) -> None:
    world.karla.orders = [placed("4711")]
    await world.order(DETAILS)
    world.shop = type(world.shop)("other", None, world.shop.providers, world.shop.rules)
    await world.order(DETAILS)
    assert world.calls == {"karla": 2}


async def test_what_is_stored_here_is_read_each_time_and_is_never_from_the_cache(world: World) -> None:
    reference = Reference(provider="billink", kind="invoice_number", value="4711")
    world.billink.knows("4711", invoice())
    for _ in range(2):
        found = await waited_for(
            world.loads().trackings(
                world.shop, world.billink, reference, world.identity(order_number="4711"), refresh=False
            )
        )
        assert found.cache is CacheResult.STORED
    assert world.calls == {"billink": 2}


async def test_every_call_is_noted_in_the_providers_health(world: World) -> None:
    world.hypertrack.failure = down("hypertrack")
    world.karla.orders = [placed()]
    await world.order(ALL)
    health = world.services.calls
    assert health.health("acme", "karla").level is HealthLevel.HEALTHY
    assert health.health("acme", "hypertrack").level is HealthLevel.DOWN
    assert health.health("acme", "paypal").level is HealthLevel.UNKNOWN


async def test_unknown_words_are_counted_once_for_each_reading(world: World) -> None:
    word = parcel(TrackingStatus.UNKNOWN).model_copy(update={"provider_status": "teleported"})
    event = happened(status=TrackingStatus.UNKNOWN).model_copy(update={"phase": "beamed"})
    world.karla.orders = [placed(trackings=(word.model_copy(update={"events": (event,)}),))]
    await world.order(DETAILS)
    await world.order(DETAILS)
    assert world.services.unknown_words.counts() == {("karla", "teleported"): 1, ("karla", "beamed"): 1}


@dataclass
class HeldBook(OrderBook):
    """An order book that answers when it is let go."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def find_order(self, reference: Reference) -> Order:
        self.asked.set()
        await self.free.wait()
        return await super().find_order(reference)


class TestFieldsThatWantTheSame:
    """One load for all of them, whoever began it."""

    @pytest.fixture
    def karla(self) -> HeldBook:
        return HeldBook(KARLA, orders=[placed("4711")])

    async def begun(self, world: World, karla: HeldBook, loads: Loads, *, refresh: bool = False) -> list[Found]:
        """Three fields that have asked, while the provider has not answered yet."""
        asking = [
            asyncio.create_task(
                waited_for(loads.order(world.shop, karla, named("order_number", "4711"), refresh=refresh))
            )
            for _ in range(3)
        ]
        await karla.asked.wait()
        return asking

    @pytest.mark.parametrize("refresh", [False, True])
    async def test_share_what_it_came_to(self, world: World, karla: HeldBook, refresh: bool) -> None:
        fields = await self.begun(world, karla, world.loads(), refresh=refresh)
        karla.free.set()
        first, *others = await asyncio.gather(*fields)
        assert first.value == karla.orders[0]
        assert all(other is first for other in others)
        assert len(karla.calls) == 1

    @pytest.mark.parametrize("refresh", [False, True])
    @pytest.mark.parametrize("leaving", [0, 1], ids=["the first", "another"])
    async def test_do_not_lose_it_when_one_of_them_is_given_up(
        self, world: World, karla: HeldBook, leaving: int, refresh: bool
    ) -> None:
        loads = world.loads()
        fields = await self.begun(world, karla, loads, refresh=refresh)
        given_up = fields.pop(leaving)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        karla.free.set()
        first, second = await asyncio.gather(*fields)
        assert first.value == karla.orders[0]
        assert (
            first
            is second
            is await waited_for(loads.order(world.shop, karla, named("order_number", "4711"), refresh=False))
        )
        assert len(karla.calls) == 1

    async def test_are_all_told_of_a_defect_and_nobody_asks_again(self, world: World, karla: HeldBook) -> None:
        loads = world.loads()
        fields = await self.begun(world, karla, loads)
        karla.orders = [None]  # type: ignore[list-item]
        karla.free.set()
        told = await asyncio.gather(*fields, return_exceptions=True)
        assert [type(each) for each in told] == [AttributeError] * 3
        with pytest.raises(AttributeError):
            await waited_for(loads.order(world.shop, karla, named("order_number", "4711"), refresh=False))
        assert len(karla.calls) == 1


class TestMaxAge:
    """How long everything that was loaded may be kept by others."""

    async def loaded(self, world: World, *parts: Part) -> timedelta | None:
        loads = world.loads()
        await OrderService(world.directory(), loads).find(world.shop, number("4711"), [need(part) for part in parts])
        return loads.max_age()

    async def test_as_long_as_the_part_that_goes_out_of_date_first(self, world: World) -> None:
        settings = world.services.policy.settings
        world.without("billink", "paypal")
        world.karla.orders = [placed(trackings=(parcel(TrackingStatus.DELIVERED),))]
        world.hypertrack.knows("4711", stop())
        assert await self.loaded(world, Part.DETAILS) == settings.settled
        assert await self.loaded(world, Part.TRACKINGS) == settings.live

    async def test_no_longer_than_what_was_read_from_the_store_stays(self, world: World) -> None:
        """Which payment belongs to the order is known from there, and that there is none."""
        world.without("billink", "hypertrack")
        world.karla.orders = [placed(trackings=(parcel(TrackingStatus.DELIVERED),))]
        assert await self.loaded(world, Part.TRACKINGS) == STORED_STAYS

    async def test_shrinks_as_time_goes_by(self, world: World) -> None:
        world.karla.orders = [placed(trackings=(parcel(TrackingStatus.DELIVERED),))]
        await self.loaded(world, Part.DETAILS)
        world.clock.advance(timedelta(seconds=30))
        settled = world.services.policy.settings.settled
        assert await self.loaded(world, Part.DETAILS) == settled - timedelta(seconds=30)

    @pytest.mark.parametrize("state", ["stale", "failed", "nothing loaded"])
    async def test_none_where_a_part_is_not_fresh(self, world: World, state: str) -> None:
        world.karla.orders = [placed()]
        if state == "stale":
            await world.order(DETAILS)
            world.clock.advance(world.services.policy.settings.pending)
            assert await self.loaded(world, Part.DETAILS) is None
        elif state == "failed":
            world.hypertrack.failure = down("hypertrack")
            assert await self.loaded(world, Part.TRACKINGS) is None
        else:
            assert world.loads().max_age() is None


async def test_an_operation_whose_time_is_over_waits_for_nobody(world: World) -> None:
    loads = Loads(world.services, Deadline(at=0, clock=lambda: 1))
    found = await waited_for(loads.order(world.shop, world.karla, named("order_number", "4711"), refresh=False))
    assert found.error is not None
    assert found.error.code == "PROVIDER_TIMEOUT"
    assert world.calls == {}
