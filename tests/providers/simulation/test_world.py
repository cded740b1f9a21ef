"""The world shows what its clock has passed and nothing that is yet to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.world import World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW, 3)
TOMORROWS = replace(ORDERS[0], number="2000", paypal_order_id="TOMORROW", placed_at=NOW + timedelta(days=1))


@pytest.fixture
def clock() -> SimulationClock:
    return SimulationClock(lambda: NOW)


@pytest.fixture
def world(clock: SimulationClock) -> World:
    return World([*ORDERS, TOMORROWS], clock)


def test_an_order_is_unknown_until_it_is_placed(world: World, clock: SimulationClock) -> None:
    assert TOMORROWS not in world.orders
    assert world.by_number("2000") is None
    assert world.by_paypal_order("TOMORROW") is None
    assert TOMORROWS in world.scripted
    clock.advance(timedelta(days=1))
    assert world.orders[0] is world.by_number("2000") is world.by_paypal_order("TOMORROW") is TOMORROWS


def test_orders_are_found_by_their_names_only(world: World) -> None:
    order = next(order for order in ORDERS if order.paypal_order_id)
    assert world.by_number(order.number) is order
    assert world.by_paypal_order(f"{order.paypal_order_id}") is order
    assert world.by_number(f"{order.paypal_order_id}") is None
    assert world.by_paypal_order(order.number) is None


def test_offsets_count_from_the_placing_and_pass_with_the_clock(world: World, clock: SimulationClock) -> None:
    order = ORDERS[0]
    offset = NOW - order.placed_at + timedelta(minutes=1)
    assert world.instant(order, offset) == NOW + timedelta(minutes=1)
    assert not world.passed(order, offset)
    clock.advance(timedelta(minutes=1))
    assert world.passed(order, offset)
    assert world.now() == NOW + timedelta(minutes=1)
