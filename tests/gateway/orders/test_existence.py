"""When an order exists, and who is asked to find out."""

from __future__ import annotations

import pytest

from gateway.freshness.envelope import CacheResult
from gateway.orders.errors import KeyNotSupported, ReferenceNotIndexed, TrackingNumberAmbiguous
from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.needs import Part
from gateway.orders.service import NotFound
from providers.errors import AmbiguousReference
from providers.models import TrackingStatus
from tests.gateway.orders.builders import invoice, parcel, payment, placed, stop
from tests.gateway.orders.conftest import World, need, number
from tests.gateway.orders.providers import down

ALL = need(Part.TRACKINGS)
DETAILS = need(Part.DETAILS)
FROM_HYPERTRACK = need(Part.TRACKINGS, "hypertrack")


async def test_known_to_the_provider_that_was_selected_nobody_else_is_asked(world: World) -> None:
    world.hypertrack.knows("4711", stop())
    order = await world.order(FROM_HYPERTRACK)
    assert order.trackings(FROM_HYPERTRACK) == (stop(),)
    assert world.calls == {"hypertrack": 1}


async def test_unknown_to_the_provider_that_was_selected_the_others_are_asked(world: World) -> None:
    world.karla.orders = [placed()]
    order = await world.order(FROM_HYPERTRACK)
    assert order.trackings(FROM_HYPERTRACK) == ()
    assert world.calls == {"hypertrack": 1, "billink": 1, "karla": 1}


async def test_what_was_asked_only_to_know_whether_it_exists_is_no_part_of_the_answer(world: World) -> None:
    world.karla.orders = [placed(order_name="IXF4711")]
    order = await world.order(FROM_HYPERTRACK)
    assert set(order.parts) == {"hypertrack"}
    assert order.details is None


async def test_without_any_need_the_store_is_asked_before_providers(world: World) -> None:
    world.billink.knows("4711", invoice())
    await world.order()
    assert world.calls == {"billink": 1}


async def test_without_any_need_asking_ends_with_the_first_that_knows(world: World) -> None:
    world.karla.orders = [placed()]
    await world.order()
    assert world.calls == {"billink": 1, "karla": 1}


async def test_an_order_with_a_link_exists_without_asking_anybody(world: World) -> None:
    await world.link("paypal", "paypal_order_id", "PAY1")
    await world.order()
    assert world.calls == {}


async def test_known_to_hypertrack_alone_it_exists(world: World) -> None:
    world.hypertrack.knows("4711", stop())
    order = await world.order(ALL, DETAILS)
    assert order.trackings(ALL) == (stop(),)
    assert order.details is None
    assert order.failures(DETAILS) == ()


async def test_nobody_knows_it_is_no_failure_and_everyone_who_could_was_asked(world: World) -> None:
    assert await world.find(DETAILS) == NotFound(())
    assert world.calls == {"karla": 1, "hypertrack": 1, "billink": 1}


async def test_nobody_knows_and_one_cannot_answer_is_a_failure(world: World) -> None:
    world.hypertrack.failure = down("hypertrack")
    found = await world.find(DETAILS)
    assert isinstance(found, NotFound)
    assert [error.provider for error in found.failures] == ["hypertrack"]


async def test_the_order_source_down_and_unknown_elsewhere_is_a_failure(world: World) -> None:
    world.karla.failure = down("karla")
    assert await world.find(DETAILS) == NotFound((world.karla.failure,))


async def test_the_order_source_down_and_known_elsewhere_is_an_order_with_one_failure(world: World) -> None:
    world.karla.failure = down("karla")
    world.hypertrack.knows("4711", stop())
    order = await world.order(DETAILS)
    assert order.details is None
    assert order.failures(DETAILS) == (world.karla.failure,)


async def test_without_an_order_source_the_others_can_know_it(world: World) -> None:
    world.without("karla")
    world.hypertrack.knows("4711", stop())
    order = await world.order(DETAILS)
    assert order.details is None
    assert order.name(OrderName.NUMBER) == "4711"


async def test_a_linked_order_exists_although_its_provider_is_down(world: World) -> None:
    await world.link("paypal", "paypal_order_id", "PAY1")
    world.paypal.failure = down("paypal")
    needed = need(Part.TRACKINGS, "paypal")
    order = await world.order(needed)
    assert order.trackings(needed) is None
    assert order.failures(needed) == (world.paypal.failure,)


async def test_several_orders_of_one_name_are_ambiguous_and_never_the_first(world: World) -> None:
    world.karla.orders = [placed(external_id="1"), placed(external_id="2")]
    found = await world.find(DETAILS)
    assert isinstance(found, NotFound)
    (error,) = found.failures
    assert isinstance(error, AmbiguousReference)
    assert error.external_ids == ("1", "2")


@pytest.mark.parametrize("kind", ["order_name", "external_id", "uuid"])
async def test_a_name_that_only_a_missing_order_source_could_resolve_is_not_supported(world: World, kind: str) -> None:
    world.without("karla")
    with pytest.raises(KeyNotSupported):
        await world.find(key=OrderKey(kind, "x"))


@pytest.mark.parametrize("kind", ["paypal_order_id", "invoice_number", "order_handle"])
async def test_a_reference_of_a_provider_that_is_not_configured_is_not_supported(world: World, kind: str) -> None:
    world.without("paypal", "billink", "hypertrack")
    with pytest.raises(KeyNotSupported):
        await world.find(key=OrderKey(kind, "X"))


async def test_a_link_resolves_a_reference_although_its_provider_is_not_configured(world: World) -> None:
    await world.link("paypal", "paypal_order_id", "PAY1")
    world.without("paypal")
    order = await world.order(key=OrderKey("paypal_order_id", "PAY1"))
    assert order.name(OrderName.NUMBER) == "4711"


async def test_every_key_leads_to_the_same_order(world: World) -> None:
    uuid = "b4fadda9-61f4-4041-94d2-7a01ee0082b4"
    world.karla.orders = [
        placed(order_name="IXF", external_id="X1", uuid=uuid, trackings=(parcel(number="P1"),)),
    ]
    await world.link("paypal", "paypal_order_id", "PAY1")
    await world.order(DETAILS)
    keys = {
        "order_number": "4711",
        "order_name": "IXF",
        "external_id": "X1",
        "uuid": uuid,
        "paypal_order_id": "PAY1",
        "invoice_number": "4711",
        "order_handle": "4711",
        "tracking_number": "P1",
    }
    found = {kind: await world.order(DETAILS, key=OrderKey(kind, value)) for kind, value in keys.items()}
    assert {kind: order.identity.best_key for kind, order in found.items()} == dict.fromkeys(keys, number("4711"))
    assert all(order.details == world.karla.orders[0] for order in found.values())


async def test_a_reference_without_link_or_readable_rule_is_asked_for_as_it_is(world: World) -> None:
    """PayPal knows its order, though nobody has said which order of the shop it belongs to."""
    world.paypal.knows("PAY9", payment(paypal_order="PAY9"))
    order = await world.order(need(Part.TRACKINGS, "paypal"), key=OrderKey("paypal_order_id", "PAY9"))
    assert order.trackings(need(Part.TRACKINGS)) == (payment(paypal_order="PAY9"),)
    assert order.name(OrderName.NUMBER) is None
    assert world.calls == {"paypal": 1}


async def test_a_tracking_number_that_was_never_seen_is_not_indexed(world: World) -> None:
    with pytest.raises(ReferenceNotIndexed):
        await world.find(key=OrderKey("tracking_number", "P1"))
    assert world.calls == {}


async def test_a_tracking_number_is_found_as_soon_as_its_order_was_read(world: World) -> None:
    world.karla.orders = [placed(trackings=(parcel(number="P1"),))]
    await world.order(DETAILS)
    order = await world.order(key=OrderKey("tracking_number", "P1"))
    assert order.name(OrderName.NUMBER) == "4711"


async def test_a_tracking_number_of_two_orders_is_ambiguous(world: World) -> None:
    world.karla.orders = [placed("1", trackings=(parcel(number="P1"),)), placed("2", trackings=(parcel(number="P1"),))]
    await world.order(DETAILS, key=number("1"))
    await world.order(DETAILS, key=number("2"))
    with pytest.raises(TrackingNumberAmbiguous) as ambiguous:
        await world.find(key=OrderKey("tracking_number", "P1"))
    assert ambiguous.value.details == {"orderNumbers": ["1", "2"]}


async def test_an_old_copy_of_the_order_is_served_with_the_failure_beside_it(world: World) -> None:
    world.karla.orders = [placed(trackings=(parcel(TrackingStatus.DELIVERED),))]
    await world.order(DETAILS)
    world.clock.advance(world.services.policy.settings.settled)
    world.karla.failure = down("karla")
    stale = await world.order(DETAILS)
    assert stale.details == world.karla.orders[0]
    assert stale.parts["karla"].cache is CacheResult.STALE
