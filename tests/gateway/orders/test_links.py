"""Linking: what is refused before anything is stored, and that a change is read anew."""

from __future__ import annotations

import pytest

from gateway.orders.links import LinkService, check_link
from gateway.orders.needs import Part
from providers.models import Reference
from tests.gateway.orders.builders import payment, placed
from tests.gateway.orders.conftest import World, need

PAID = need(Part.TRACKINGS, "paypal")


def paypal(value: str = "PAY1") -> Reference:
    return Reference(provider="paypal", kind="paypal_order_id", value=value)


def linking(world: World) -> LinkService:
    return LinkService(world.links, world.cache, world.clock)


@pytest.mark.parametrize(
    ("order_number", "reference", "problems"),
    [
        ("4711", paypal(), []),
        ("4711", Reference(provider="hypertrack", kind="route_handle", value="R1"), []),
        ("", paypal(), [("BAD_USER_INPUT", "orderNumber")]),
        (" ", paypal(), [("BAD_USER_INPUT", "orderNumber")]),
        ("4\n711", paypal(), [("BAD_USER_INPUT", "orderNumber")]),
        ("4" * 256, paypal(), [("BAD_USER_INPUT", "orderNumber")]),
        ("4" * 255, paypal(), []),
        ("4711", paypal("pay1"), [("BAD_USER_INPUT", "value")]),
        ("4711", paypal("P" * 37), [("BAD_USER_INPUT", "value")]),
        ("4711", Reference(provider="hypertrack", kind="order_handle", value=".."), [("BAD_USER_INPUT", "value")]),
        ("4711", Reference(provider="paypal", kind="order_handle", value="X"), [("UNKNOWN_KIND", "kind")]),
        ("4711", Reference(provider="karla", kind="order_number", value="1"), [("UNKNOWN_PROVIDER", "provider")]),
        ("4711", Reference(provider="nobody", kind="x", value="1"), [("UNKNOWN_PROVIDER", "provider")]),
        ("", paypal("pay1"), [("BAD_USER_INPUT", "orderNumber"), ("BAD_USER_INPUT", "value")]),
    ],
)
async def test_what_is_wrong_with_a_link(
    world: World, order_number: str, reference: Reference, problems: list[tuple[str, str]]
) -> None:
    found = list(check_link(world.shop, order_number, reference))
    assert [(problem.code, problem.member) for problem in found] == problems


async def test_a_provider_that_the_shop_has_not_takes_no_links(world: World) -> None:
    world.without("paypal")
    (problem,) = check_link(world.shop, "4711", paypal())
    assert (problem.code, problem.member) == ("PROVIDER_NOT_CONFIGURED", "provider")


async def test_what_is_refused_is_not_stored(world: World) -> None:
    assert await linking(world).link(world.shop, "4711", paypal("pay1"))
    assert await world.links.of_order("acme", "4711") == ()


async def test_linking_again_changes_nothing_and_is_no_problem(world: World) -> None:
    assert await linking(world).link(world.shop, "4711", paypal()) == ()
    assert await linking(world).link(world.shop, "4711", paypal()) == ()
    assert await world.links.of_order("acme", "4711") == (paypal(),)


async def test_a_reference_of_another_order_is_taken(world: World) -> None:
    await linking(world).link(world.shop, "4711", paypal())
    (problem,) = await linking(world).link(world.shop, "4712", paypal())
    assert (problem.code, problem.member) == ("TAKEN", "value")
    assert await world.links.of_order("acme", "4711") == (paypal(),)
    assert await world.links.of_order("acme", "4712") == ()


async def test_an_order_may_hold_several_references_of_one_kind(world: World) -> None:
    for value in ("PAY1", "PAY2"):
        assert await linking(world).link(world.shop, "4711", paypal(value)) == ()
    assert await world.links.of_order("acme", "4711") == (paypal("PAY1"), paypal("PAY2"))


async def test_a_route_stops_at_several_orders(world: World) -> None:
    """A reference of a kind that orders share is nobody's alone, so it leads to no single order."""
    route = Reference(provider="hypertrack", kind="route_handle", value="R1")
    assert await linking(world).link(world.shop, "4711", route) == ()
    assert await linking(world).link(world.shop, "4712", route) == ()
    for linked in ("4711", "4712"):
        assert await world.links.of_order("acme", linked) == (route,)
    assert await world.links.find_order_number("acme", route) is None


async def test_linking_asks_no_provider_and_has_the_order_read_anew(world: World) -> None:
    world.karla.orders = [placed()]
    world.paypal.knows("PAY1", payment())
    await world.order(need(Part.DETAILS), PAID)
    world.forget_calls()
    await linking(world).link(world.shop, "4711", paypal())
    assert world.calls == {}
    order = await world.order(need(Part.DETAILS), PAID)
    assert order.trackings(PAID) == (payment(),)
    assert world.calls == {"karla": 1, "paypal": 1}


async def test_unlinking_takes_the_tracking_away(world: World) -> None:
    world.paypal.knows("PAY1", payment())
    world.karla.orders = [placed()]
    await linking(world).link(world.shop, "4711", paypal())
    assert (await world.order(PAID)).trackings(PAID) == (payment(),)
    assert await linking(world).unlink(world.shop, "4711", paypal()) == ()
    assert (await world.order(PAID)).trackings(PAID) == ()


@pytest.mark.parametrize("order_number", ["4712", "4711"])
async def test_unlinking_what_is_not_linked_to_this_order_is_a_problem(world: World, order_number: str) -> None:
    await linking(world).link(world.shop, "4711", paypal("PAY2"))
    (problem,) = await linking(world).unlink(world.shop, order_number, paypal("PAY1"))
    assert (problem.code, problem.member) == ("NOT_LINKED", "value")
    assert await world.links.of_order("acme", "4711") == (paypal("PAY2"),)
