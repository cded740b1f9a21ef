"""Who is asked for which need, how often, and by which reference."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.freshness.envelope import CacheResult
from gateway.orders.errors import CapabilityMissing
from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.loads import REFRESH_INTERVAL
from gateway.orders.needs import Part
from gateway.orders.pages import OrderPage, PageWindow
from gateway.orders.service import NotFound
from providers.models import OrderSearch, Reference, Route, TrackingStatus
from tests.gateway.orders.builders import NOON, expected_at, happened, invoice, parcel, payment, placed, stop
from tests.gateway.orders.conftest import World, need, number
from tests.gateway.orders.providers import down

ALL = need(Part.TRACKINGS)
DETAILS = need(Part.DETAILS)
STATUS = need(Part.STATUS)
ESTIMATE = need(Part.ESTIMATE)
REFERENCES = need(Part.REFERENCES)
ROUTE_HANDLE = Reference(provider="hypertrack", kind="route_handle", value="R1")


@pytest.fixture
async def full(world: World) -> World:
    """An order that all four providers know."""
    world.karla.orders = [placed(external_id="X1", trackings=(parcel(arrival=expected_at(NOON)),))]
    world.hypertrack.knows("4711", stop(), references=(ROUTE_HANDLE,))
    world.paypal.knows("PAY1", payment())
    world.billink.knows("4711", invoice())
    await world.link("paypal", "paypal_order_id", "PAY1")
    return world


@pytest.mark.parametrize(
    ("needs", "calls"),
    [
        ([DETAILS], {"karla": 1}),
        ([ALL], {"karla": 1, "hypertrack": 1, "paypal": 1, "billink": 1}),
        ([need(Part.TRACKINGS, "hypertrack")], {"hypertrack": 1}),
        ([need(Part.TRACKINGS, "paypal", "billink")], {"paypal": 1, "billink": 1}),
        ([ESTIMATE], {"karla": 1, "hypertrack": 1}),
        ([need(Part.ESTIMATE, "hypertrack")], {"hypertrack": 1}),
        ([need(Part.ESTIMATE, "hypertrack"), need(Part.TRACKINGS, "paypal")], {"hypertrack": 1, "paypal": 1}),
        ([STATUS], {"karla": 1}),
        ([need(Part.STATUS, "hypertrack", "paypal")], {"hypertrack": 1}),
        ([REFERENCES], {}),
        ([need(Part.ORDER_NUMBER)], {}),
        ([need(Part.EXTERNAL_ID)], {"karla": 1}),
        ([DETAILS, STATUS, ESTIMATE, need(Part.UUID)], {"karla": 1, "hypertrack": 1}),
        ([ALL, ALL, STATUS, ESTIMATE, DETAILS], {"karla": 1, "hypertrack": 1, "paypal": 1, "billink": 1}),
    ],
)
async def test_each_need_asks_those_it_names_and_no_one_twice(
    full: World, needs: list[object], calls: dict[str, int]
) -> None:
    await full.order(*needs)  # type: ignore[arg-type]
    assert full.calls == calls


async def test_nothing_is_asked_again_while_it_is_fresh(full: World) -> None:
    await full.order(ALL, DETAILS)
    full.forget_calls()
    again = await full.order(ALL, DETAILS)
    assert full.calls == {"billink": 1}, "our own store is read, the providers are not asked"
    assert {name: part.cache for name, part in again.parts.items()} == {
        "karla": CacheResult.HIT,
        "hypertrack": CacheResult.HIT,
        "paypal": CacheResult.HIT,
        "billink": CacheResult.STORED,
    }


async def test_the_same_asked_fifty_times_at_once_is_asked_once(full: World) -> None:
    await asyncio.gather(*(full.order(need(Part.TRACKINGS, "karla", "hypertrack")) for _ in range(50)))
    assert full.calls == {"karla": 1, "hypertrack": 1}


async def test_ten_fields_of_one_operation_share_one_load(full: World) -> None:
    service = full.operation()
    await asyncio.gather(*(service.find(full.shop, number("4711"), [DETAILS]) for _ in range(10)))
    assert full.calls == {"karla": 1}


async def test_an_order_without_links_does_not_ask_a_provider_that_needs_one(world: World) -> None:
    world.karla.orders = [placed()]
    order = await world.order(ALL)
    assert world.calls == {"karla": 1, "hypertrack": 1, "billink": 1}
    assert "paypal" not in order.parts


class TestStatus:
    """`deliveryStatus` walks down the order of trust and stops at the first provider that tells one."""

    async def test_stops_at_the_most_trusted_that_tells(self, full: World) -> None:
        order = await full.order(STATUS)
        assert order.delivery_status(STATUS) is TrackingStatus.IN_TRANSIT
        assert full.calls == {"karla": 1}

    async def test_goes_on_where_one_has_no_tracking(self, full: World) -> None:
        full.karla.orders = [placed()]
        order = await full.order(STATUS)
        assert order.delivery_status(STATUS) is TrackingStatus.OUT_FOR_DELIVERY
        assert full.calls == {"karla": 1, "hypertrack": 1}

    async def test_goes_on_where_one_does_not_know_the_word(self, full: World) -> None:
        full.karla.orders = [placed(trackings=(parcel(TrackingStatus.UNKNOWN),))]
        assert (await full.order(STATUS)).delivery_status(STATUS) is TrackingStatus.OUT_FOR_DELIVERY

    async def test_goes_on_where_one_is_down_and_says_so(self, full: World) -> None:
        full.karla.failure = down("karla")
        order = await full.order(STATUS)
        assert order.delivery_status(STATUS) is TrackingStatus.OUT_FOR_DELIVERY
        assert order.failures(STATUS) == (full.karla.failure,)

    async def test_a_merchants_word_is_believed_where_nobody_else_says_anything(self, full: World) -> None:
        full.karla.orders = [placed()]
        full.hypertrack.found.clear()
        assert (await full.order(STATUS)).delivery_status(STATUS) is TrackingStatus.INFO_RECEIVED
        assert full.calls == {"karla": 1, "hypertrack": 1, "paypal": 1}

    async def test_without_any_tracking_it_is_pending(self, world: World) -> None:
        world.karla.orders = [placed()]
        assert (await world.order(STATUS)).delivery_status(STATUS) is TrackingStatus.PENDING

    async def test_is_not_known_where_one_that_could_tell_is_down(self, world: World) -> None:
        world.karla.orders = [placed()]
        world.hypertrack.failure = down("hypertrack")
        order = await world.order(STATUS)
        assert order.delivery_status(STATUS) is None
        assert order.failures(STATUS) == (world.hypertrack.failure,)

    async def test_parcels_that_were_expected_count_against_the_order_source_alone(self, full: World) -> None:
        delivered = parcel(TrackingStatus.DELIVERED)
        full.karla.orders = [placed(trackings=(delivered,), expected_shipments=2)]
        order = await full.order(STATUS)
        assert order.delivery_status(STATUS) is TrackingStatus.PENDING
        full.hypertrack.knows("4711", stop(TrackingStatus.DELIVERED))
        driven = need(Part.STATUS, "hypertrack")
        assert (await full.order(driven)).delivery_status(driven) is TrackingStatus.DELIVERED

    async def test_what_was_loaded_beyond_it_for_another_field_does_not_count(self, full: World) -> None:
        full.paypal.failure = down("paypal")
        order = await full.order(STATUS, ALL)
        assert order.failures(STATUS) == ()
        assert order.failures(ALL) == (full.paypal.failure,)


class TestReferences:
    """By which name each provider is asked."""

    async def test_a_rule_over_the_number_needs_nobody(self, full: World) -> None:
        full.ruled({("hypertrack", "order_handle"): "web-{order_number}"})
        full.hypertrack.knows("web-4711", stop(handle="web-4711"))
        await full.order(need(Part.TRACKINGS, "hypertrack"))
        assert full.hypertrack.calls == ["order_handle:web-4711"]
        assert full.karla.calls == []

    async def test_a_rule_over_a_name_that_only_the_order_source_knows_asks_it_first(self, full: World) -> None:
        full.ruled({("hypertrack", "order_handle"): "{external_id}"})
        full.hypertrack.knows("X1", stop(handle="X1"))
        order = await full.order(need(Part.TRACKINGS, "hypertrack"))
        assert (full.karla.calls, full.hypertrack.calls) == (["order_number:4711"], ["order_handle:X1"])
        assert order.trackings(need(Part.TRACKINGS, "hypertrack")) == (stop(handle="X1"),)

    async def test_a_rule_whose_name_stays_unknown_asks_nobody(self, full: World) -> None:
        full.ruled({("hypertrack", "order_handle"): "{order_name}"})
        await full.order(need(Part.TRACKINGS, "hypertrack"))
        assert full.hypertrack.calls == []

    async def test_a_rule_whose_name_could_not_be_asked_for_is_a_failure_and_never_an_empty_list(
        self, full: World
    ) -> None:
        """The link to PayPal says that the order exists; what HyperTrack calls it, only Karla could have told."""
        full.ruled({("hypertrack", "order_handle"): "{external_id}"})
        full.karla.failure = down("karla")
        driven = need(Part.TRACKINGS, "hypertrack")
        order = await full.order(driven)
        assert full.hypertrack.calls == []
        assert (order.trackings(driven), order.failures(driven)) == (None, (full.karla.failure,))

    async def test_links_of_an_order_whose_number_could_not_be_asked_for_are_a_failure(self, full: World) -> None:
        full.ruled({("hypertrack", "order_handle"): "{external_id}"})
        full.hypertrack.knows("X1", stop(handle="X1"))
        full.karla.failure = down("karla")
        paid = need(Part.TRACKINGS, "paypal")
        order = await full.order(paid, need(Part.TRACKINGS, "hypertrack"), key=OrderKey("order_handle", "X1"))
        assert order.trackings(need(Part.TRACKINGS, "hypertrack")) == (stop(handle="X1"),)
        assert (order.trackings(paid), order.failures(paid)) == (None, (full.karla.failure,))

    async def test_a_provider_without_a_reference_is_no_failure_while_the_source_is_down(self, world: World) -> None:
        """Nothing is linked, and that is known: the store was read."""
        world.karla.failure = down("karla")
        world.hypertrack.knows("4711", stop())
        order = await world.order(ALL)
        assert "paypal" not in order.parts

    async def test_a_status_walk_learns_the_name_that_a_rule_needs(self, full: World) -> None:
        full.ruled({("hypertrack", "order_handle"): "{external_id}"})
        full.hypertrack.knows("X1", stop(handle="X1"))
        driven = need(Part.STATUS, "hypertrack")
        assert (await full.order(driven)).delivery_status(driven) is TrackingStatus.OUT_FOR_DELIVERY

    async def test_a_link_replaces_the_rule_of_its_kind(self, full: World) -> None:
        await full.link("hypertrack", "order_handle", "by-hand")
        full.hypertrack.knows("by-hand", stop(handle="by-hand"))
        await full.order(need(Part.TRACKINGS, "hypertrack"))
        assert full.hypertrack.calls == ["order_handle:by-hand"]

    async def test_a_link_of_a_kind_that_finds_nothing_leaves_the_rule(self, full: World) -> None:
        await full.link("hypertrack", "route_handle", "R9")
        await full.order(need(Part.TRACKINGS, "hypertrack"))
        assert full.hypertrack.calls == ["order_handle:4711"]

    async def test_several_references_of_one_provider_are_one_part(self, full: World) -> None:
        """A split payment: one order of the shop, two of PayPal's."""
        await full.link("paypal", "paypal_order_id", "PAY2")
        full.paypal.knows("PAY2", payment(paypal_order="PAY2"))
        paid = need(Part.TRACKINGS, "paypal")
        order = await full.order(paid)
        assert order.trackings(paid) == (payment(), payment(paypal_order="PAY2"))
        assert full.calls == {"paypal": 2}

    async def test_of_several_references_one_that_cannot_be_asked_leaves_the_other(self, full: World) -> None:
        await full.link("paypal", "paypal_order_id", "PAY2")
        full.paypal.failing = {"PAY2"}
        paid = need(Part.TRACKINGS, "paypal")
        order = await full.order(paid)
        assert order.trackings(paid) == (payment(),)
        assert [error.code for error in order.failures(paid)] == ["PROVIDER_FAILED"]

    async def test_an_order_known_by_another_name_is_asked_for_its_number_first(self, full: World) -> None:
        order = await full.order(need(Part.TRACKINGS, "paypal"), key=OrderKey("external_id", "X1"))
        assert full.calls == {"karla": 1, "paypal": 1}
        assert order.name(OrderName.NUMBER) == "4711"

    async def test_every_reference_is_told_with_where_it_is_from(self, full: World) -> None:
        order = await full.order(ALL, REFERENCES)
        told = {(known.reference.kind, known.reference.value): known.origin.value for known in order.references}
        assert told == {
            ("order_number", "4711"): "PROVIDER",
            ("external_id", "X1"): "PROVIDER",
            ("route_handle", "R1"): "PROVIDER",
            ("paypal_order_id", "PAY1"): "LINK",
            ("order_handle", "4711"): "RULE",
            ("invoice_number", "4711"): "RULE",
        }

    async def test_the_references_of_an_order_known_by_another_name_need_its_number(self, full: World) -> None:
        order = await full.order(REFERENCES, key=OrderKey("external_id", "X1"))
        assert full.calls == {"karla": 1}
        assert ("paypal", "PAY1") in {(known.reference.provider, known.reference.value) for known in order.references}


class TestRefresh:
    """Past the cache, and not twice within ten seconds."""

    async def test_a_refresh_asks_although_the_copy_is_fresh(self, full: World) -> None:
        await full.order(ALL)
        full.forget_calls()
        full.clock.advance(REFRESH_INTERVAL)
        order = await full.order(need(Part.TRACKINGS, "karla", "hypertrack", "paypal"), refresh=True)
        assert full.calls == {"karla": 1, "hypertrack": 1, "paypal": 1}
        assert {part.cache for part in order.parts.values()} == {CacheResult.BYPASS}

    async def test_what_is_younger_than_ten_seconds_is_not_asked_for_again(self, full: World) -> None:
        await full.order(DETAILS, refresh=True)
        full.clock.advance(REFRESH_INTERVAL - timedelta(milliseconds=1))
        full.forget_calls()
        await full.order(DETAILS, refresh=True)
        assert full.calls == {}

    async def test_what_a_refresh_learnt_is_what_everyone_gets_afterwards(self, full: World) -> None:
        await full.order(DETAILS)
        full.clock.advance(REFRESH_INTERVAL)
        full.karla.orders = [placed(order_name="renamed")]
        await full.order(DETAILS, refresh=True)
        full.forget_calls()
        order = await full.order(DETAILS)
        assert (order.name(OrderName.NAME), full.calls) == ("renamed", {})


class TestSearch:
    """Pages of a search."""

    async def page(self, world: World, offset: int, size: int, *needs: object) -> OrderPage:
        found = await self.find(world, offset, size, *needs)
        assert isinstance(found, OrderPage)
        return found

    async def find(self, world: World, offset: int, size: int, *needs: object) -> OrderPage | NotFound:
        return await world.operation().search(
            world.shop,
            OrderSearch(),
            PageWindow(offset, size),
            needs,  # type: ignore[arg-type]
        )

    @pytest.fixture
    def many(self, world: World) -> World:
        world.karla.orders = [
            placed(str(place), trackings=(parcel(TrackingStatus.DELIVERED, f"P{place}", events=[happened()]),))
            for place in range(200)
        ]
        return world

    def numbers(self, page: OrderPage) -> list[str | None]:
        return [order.name(OrderName.NUMBER) for order in page.orders]

    @pytest.mark.parametrize("needed", [DETAILS, STATUS, need(Part.TRACKINGS, "karla"), need(Part.ESTIMATE, "karla")])
    async def test_thirty_orders_with_what_the_order_source_tells_are_one_call(
        self, many: World, needed: object
    ) -> None:
        page = await self.page(many, 0, 30, needed)
        assert self.numbers(page) == [str(place) for place in range(30)]
        assert many.calls == {"karla": 1}

    async def test_one_of_the_thirty_afterwards_is_no_call(self, many: World) -> None:
        await self.page(many, 0, 30)
        many.forget_calls()
        assert (await many.order(DETAILS, key=number("7"))).details == many.karla.orders[7]
        assert many.calls == {}

    async def test_a_window_that_no_single_page_holds_is_whole(self, many: World) -> None:
        page = await self.page(many, 50, 60, DETAILS)
        assert self.numbers(page) == [str(place) for place in range(50, 110)]
        assert many.karla.calls == ["page 1/60", "page 2/60"]

    async def test_a_window_of_which_one_page_cannot_be_read_is_a_failure_and_never_shorter(self, many: World) -> None:
        many.karla.failing_pages = {2}
        found = await self.find(many, 50, 60)
        assert isinstance(found, NotFound)
        assert [error.code for error in found.failures] == ["PROVIDER_FAILED"]

    async def test_a_full_window_may_have_another_behind_it(self, many: World) -> None:
        assert (await self.page(many, 100, 100)).has_next
        assert not (await self.page(many, 200, 100)).has_next
        assert not (await self.page(many, 150, 100)).has_next

    async def test_past_the_last_order_a_page_is_empty(self, many: World) -> None:
        assert (await self.page(many, 500, 30)).orders == ()

    async def test_other_providers_are_asked_for_each_order_that_needs_them(self, many: World) -> None:
        many.hypertrack.knows("1", stop(handle="1"))
        page = await self.page(many, 0, 3, need(Part.TRACKINGS, "hypertrack"))
        assert [order.trackings(need(Part.TRACKINGS, "hypertrack")) for order in page.orders] == [
            (),
            (stop(handle="1"),),
            (),
        ]
        assert many.calls == {"karla": 1, "hypertrack": 3}

    async def test_a_shop_without_an_order_source_cannot_search(self, world: World) -> None:
        world.without("karla")
        with pytest.raises(CapabilityMissing):
            await self.find(world, 0, 30)

    async def test_an_old_page_is_served_while_the_source_is_down_and_says_so(self, many: World) -> None:
        await self.page(many, 0, 30)
        many.clock.advance(many.services.policy.settings.page)
        many.karla.failure = down("karla")
        page = await self.page(many, 0, 30)
        async with asyncio.timeout(10):
            while page.error is None:  # the first is asked for anew behind the answer, and that has to fail first
                await asyncio.sleep(0)
                page = await self.page(many, 0, 30)
        assert page.error is many.karla.failure
        assert self.numbers(page) == [str(place) for place in range(30)]


class TestRoute:
    """A driver's route, by its handle."""

    async def test_a_route_is_asked_for_once(self, world: World) -> None:
        world.hypertrack.routes["R1"] = Route(route_handle="R1", stops=(stop(),))
        for _ in range(2):
            found = await world.operation().find_route(world.shop, "R1")
            assert found.value == world.hypertrack.routes["R1"]
        assert world.calls == {"hypertrack": 1}

    async def test_a_route_that_nobody_knows_is_no_failure(self, world: World) -> None:
        found = await world.operation().find_route(world.shop, "R1")
        assert (found.value, found.error) == (None, None)

    async def test_a_shop_without_a_route_source_knows_no_routes(self, world: World) -> None:
        world.without("hypertrack")
        with pytest.raises(CapabilityMissing):
            await world.operation().find_route(world.shop, "R1")
