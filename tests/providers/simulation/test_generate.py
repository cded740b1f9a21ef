"""The generated orders are a believable shop's, the same every time, and cover every story."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from providers.simulation.clock import SimulationClock
from providers.simulation.generate import NEWEST_WITH_PARCEL, RESERVED_NUMBERS, generate_orders
from providers.simulation.places import PLACES
from providers.simulation.world import ScriptedParcel, ScriptedStop, SimulatedOrder, Story, World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW)
WORLD = World(ORDERS, SimulationClock(lambda: NOW))

RETURNS = {"returned", "return_created", "return_transit", "return_received", "return_failed"}
PHASES: dict[Story, set[str]] = {
    Story.DELIVERED: {"delivered"},
    Story.IN_TRANSIT: {"in_transit"},
    Story.OUT_FOR_DELIVERY: {"in_delivery"},
    Story.FAILED: {"delivery_failed"},
    Story.RETURNED: RETURNS,
    Story.PICK_UP: {"collect", "delivered"},
    Story.OWN_DRIVER: {"in_transit"},
}
"""The phases that a parcel of a story may be in when the world begins."""


def of(story: Story) -> list[SimulatedOrder]:
    return [order for order in ORDERS if order.story is story]


def phase(order: SimulatedOrder, parcel: ScriptedParcel) -> str:
    return [event.phase for event in parcel.events if WORLD.passed(order, event.after)][-1]


def test_the_same_moment_count_and_seed_give_the_same_orders() -> None:
    assert generate_orders(NOW) == ORDERS
    assert generate_orders(NOW, seed=8) != ORDERS


@pytest.mark.parametrize(("count", "seed"), [(200, 7), (240, 1), (240, 99), (1_000, 7)])
def test_every_story_has_several_orders(count: int, seed: int) -> None:
    told = Counter(order.story for order in generate_orders(NOW, count, seed))
    assert sum(told.values()) == count
    assert all(told[story] >= 3 for story in Story)


@pytest.mark.parametrize("story", PHASES)
def test_every_parcel_is_where_its_story_says(story: Story) -> None:
    phases = {phase(order, parcel) for order in of(story) for parcel in WORLD.parcels(order)}
    assert phases
    assert phases <= PHASES[story]


def test_returns_are_shown_at_every_stage() -> None:
    assert {phase(order, parcel) for order in of(Story.RETURNED) for parcel in order.parcels} >= {
        "returned",
        "return_transit",
        "return_received",
        "return_failed",
    }


def test_an_order_of_several_parcels_has_them_at_different_stages() -> None:
    stages = [{phase(order, parcel) for parcel in WORLD.parcels(order)} for order in of(Story.SEVERAL_PARCELS)]
    assert all(len(order.parcels) >= 2 for order in of(Story.SEVERAL_PARCELS))
    assert any(len(phases) >= 3 for phases in stages)


def test_an_order_waiting_for_stock_has_no_parcel_until_the_clock_moves_on() -> None:
    clock = SimulationClock(lambda: NOW)
    world = World(ORDERS, clock)
    waiting = of(Story.NONE_YET)
    assert [world.parcels(order) for order in waiting] == [()] * len(waiting)
    clock.advance(timedelta(days=5))
    assert all(len(world.parcels(order)) == len(order.parcels) >= 1 for order in waiting)


def test_a_bundle_lists_its_parts() -> None:
    assert all(any("bundled" in product for product in order.products) for order in of(Story.BUNDLE))


def test_each_of_the_newest_30_has_a_parcel_whose_number_is_known() -> None:
    assert all(WORLD.parcels(order) for order in WORLD.orders[:NEWEST_WITH_PARCEL])
    assert {order.story for order in WORLD.orders[:NEWEST_WITH_PARCEL]} == set(Story) - {Story.NONE_YET}


def test_every_order_has_names_of_its_own_that_look_like_the_systems_own() -> None:
    for names in zip(*((order.number, order.uuid, order.external_id, order.name) for order in ORDERS), strict=True):
        assert len(set(names)) == len(ORDERS)
    assert all(UUID(order.uuid).version == 4 for order in ORDERS)
    assert all(re.fullmatch(r"\d{13}", order.external_id) for order in ORDERS)
    assert not {order.number for order in ORDERS} & RESERVED_NUMBERS
    assert min(int(order.number) for order in ORDERS) == 1001


def test_some_orders_are_paid_with_paypal_and_some_are_not() -> None:
    paid = [order for order in ORDERS if order.paypal_order_id]
    assert len(ORDERS) / 3 < len(paid) < len(ORDERS)
    assert all(re.fullmatch(r"[A-Z0-9]{17}", f"{order.paypal_order_id}") for order in paid)
    assert all((order.capture_id is None) == (order.paypal_order_id is None) for order in ORDERS)


def test_only_own_drivers_have_stops_and_two_orders_share_a_route() -> None:
    stops = [order.stop for order in ORDERS if order.stop]
    assert {order.story for order in ORDERS if order.stop} == {Story.OWN_DRIVER}
    assert max(Counter(stop.route_handle for stop in stops).values()) == 2
    assert {stop.cancelled for stop in stops} == {True, False}


@pytest.mark.parametrize("seed", range(7))
def test_a_route_stays_in_one_town_and_a_driver_is_on_one_route_at_a_time(seed: int) -> None:
    """The two drops of a route are in one town, one after the other."""
    orders = generate_orders(NOW, seed=seed)
    driven = [(order, order.stop) for order in orders if order.stop]
    routes: dict[str, list[tuple[SimulatedOrder, ScriptedStop]]] = defaultdict(list)
    for order, stop in driven:
        routes[stop.route_handle].append((order, stop))
    for stops in routes.values():
        assert len({order.city for order, _ in stops}) == 1
        assert len({stop.worker_handle for _, stop in stops}) == 1
        arrivals = [order.placed_at + stop.arrived for order, stop in stops]
        assert len(set(arrivals)) == len(stops)
    on_the_road = {
        stop.route_handle: stop.worker_handle
        for order, stop in driven
        if order.placed_at + stop.started <= NOW < order.placed_at + stop.completed
    }
    assert len(on_the_road) == len(set(on_the_road.values())) > 1


def test_the_newest_60_tell_every_story() -> None:
    """Whoever reads the first pages meets all of them."""
    assert {order.story for order in WORLD.orders[:60]} == set(Story)


def test_some_own_drivers_orders_have_no_parcel_at_all() -> None:
    assert {len(order.parcels) for order in of(Story.OWN_DRIVER)} == {0, 1}


def test_flags_other_than_normal_are_raised() -> None:
    assert {parcel.flag for order in ORDERS for parcel in order.parcels} == {"normal", "delay", "error"}


def test_scripts_run_forward_in_time_and_only_in_known_towns() -> None:
    for order in ORDERS:
        assert order.city in PLACES
        for parcel in order.parcels:
            offsets = [event.after for event in parcel.events]
            assert offsets == sorted(offsets)
            assert {event.city for event in parcel.events if event.city} <= PLACES.keys()


def test_orders_are_numbered_and_listed_up_to_the_newest() -> None:
    placed = [order.placed_at for order in WORLD.orders]
    assert placed == sorted(placed, reverse=True)
    assert [order.number for order in WORLD.orders] == [order.number for order in ORDERS]
