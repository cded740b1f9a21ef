"""When an order exists, by which keys it is found, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from providers.paypal.simulator_orders import SAMPLE_ORDER_ID
from providers.simulation.clock import SimulationClock
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway, orders_of
from tests.scenarios.harness import LINK_ORDER, Data, Gateway, Providers

FIND = "query ($by: OrderBy!) { order(by: $by) { id orderNumber } }"
JUST_THE_ID = "query ($by: OrderBy!) { order(by: $by) { id } }"
REFERENCES = "query ($by: OrderBy!) { order(by: $by) { id references { provider { name } kind value origin } } }"
PAGE = """
query ($by: OrderBy!) {
  order(by: $by) { id orderNumber totalPrice { amount } trackings { provider { name } trackingNumber status } }
}"""

Key = Callable[[SimulatedOrder], Data]

KEYS: dict[str, Key] = {
    "orderNumber": lambda order: {"orderNumber": order.number},
    "orderName": lambda order: {"orderName": order.name},
    "externalId": lambda order: {"externalId": order.external_id},
    "uuid": lambda order: {"uuid": order.uuid},
    "uuid in capitals": lambda order: {"uuid": order.uuid.upper()},
    "paypalOrderId": lambda order: {"paypalOrderId": order.paypal_order_id},
    "invoiceNumber": lambda order: {"invoiceNumber": order.number},
    "orderHandle": lambda order: {"orderHandle": order.number},
    "trackingNumber": lambda order: {"trackingNumber": order.parcels[0].tracking_number},
}
"""How each key of `OrderBy` names an order; `id` is what the others lead to."""


def karla_only(providers: Providers) -> Data:
    return {"demo": {"karla": providers.settings["karla"]}}


@pytest.fixture
async def known(gateway: Gateway, order: SimulatedOrder) -> SimulatedOrder:
    """An order that is linked to PayPal and was seen before, so that every key leads to it."""
    await gateway.link(order)
    await gateway.data(PAGE, by={"orderNumber": order.number})
    return order


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("query", [FIND, JUST_THE_ID, PAGE], ids=["number", "id alone", "page"])
async def test_every_key_leads_to_the_same_id(gateway: Gateway, known: SimulatedOrder, key: str, query: str) -> None:
    by_number = await gateway.data(query, by={"orderNumber": known.number})
    assert await gateway.data(query, by=KEYS[key](known)) == by_number
    assert await gateway.data(query, by={"id": by_number["order"]["id"]}) == by_number


@pytest.mark.parametrize("key", sorted(KEYS.keys() - {"paypalOrderId", "trackingNumber"}))
async def test_a_gateway_that_has_seen_nothing_finds_the_same_id_by_every_key_that_it_can_ask_for(
    gateway: Gateway, open_gateway: OpenGateway, order: SimulatedOrder, key: str
) -> None:
    by_number = await gateway.data(JUST_THE_ID, by={"orderNumber": order.number})
    async with open_gateway() as cold:
        assert await cold.data(JUST_THE_ID, by=KEYS[key](order)) == by_number


async def test_an_order_page_is_the_same_by_a_key_that_only_karla_can_resolve(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    """HyperTrack's rule and the links need the number, so Karla is asked first, and once."""
    page = (await gateway.data(PAGE, by={"uuid": order.uuid}))["order"]
    assert providers.calls() == {"karla": 1, "hypertrack": 1}
    assert {tracking["provider"]["name"] for tracking in page["trackings"]} == {"karla", "hypertrack"}
    assert page == (await gateway.data(PAGE, by={"orderNumber": order.number}))["order"]
    assert providers.calls() == {"karla": 1, "hypertrack": 1}, "kept under the number too"


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        ("orderHandle", "hypertrack"),
        ("paypalOrderId", "paypal"),
        ("invoiceNumber", "billink"),
        ("orderName", "karla"),
        ("externalId", "karla"),
        ("uuid", "karla"),
    ],
)
async def test_a_key_that_only_an_unconfigured_provider_can_resolve_is_not_supported(
    open_gateway: OpenGateway, providers: Providers, order: SimulatedOrder, key: str, missing: str
) -> None:
    rest = {name: table for name, table in providers.settings.items() if name != missing}
    async with open_gateway(shops={"demo": rest}) as gateway:
        reply = await gateway.ask(FIND, by=KEYS[key](order))
    assert (reply.data, reply.codes) == ({"order": None}, ["KEY_NOT_SUPPORTED"])
    assert providers.calls() == {}


async def test_a_number_needs_no_particular_provider(
    open_gateway: OpenGateway, providers: Providers, order: SimulatedOrder
) -> None:
    """HyperTrack alone knows an order by the rule over its number."""
    async with open_gateway(shops={"demo": {"hypertrack": providers.settings["hypertrack"]}}) as gateway:
        data = await gateway.data(FIND, by={"orderNumber": order.number})
    assert data["order"]["orderNumber"] == order.number
    assert providers.calls() == {"hypertrack": 1}


async def test_a_tracking_number_is_found_once_it_was_seen(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    by = KEYS["trackingNumber"](plain_order)
    missed = await gateway.ask(FIND, by=by)
    assert (missed.data, missed.codes) == ({"order": None}, ["REFERENCE_NOT_INDEXED"])
    assert providers.calls() == {}
    await gateway.data("{ orders(first: 30) { nodes { id } } }")
    assert (await gateway.data(FIND, by=by))["order"]["orderNumber"] == plain_order.number
    assert providers.calls() == {"karla": 1}


async def test_a_tracking_number_is_remembered_by_the_store(
    open_gateway: OpenGateway, plain_order: SimulatedOrder
) -> None:
    async with open_gateway() as before:
        await before.data(PAGE, by={"orderNumber": plain_order.number})
    async with open_gateway() as after:
        found = await after.data(FIND, by=KEYS["trackingNumber"](plain_order))
    assert found["order"]["orderNumber"] == plain_order.number


async def test_an_order_that_nobody_knows_is_null_without_an_error(gateway: Gateway, providers: Providers) -> None:
    assert await gateway.data(FIND, by={"orderNumber": "nobody-knows"}) == {"order": None}
    asked = {"karla": 1, "hypertrack": 1}
    assert providers.calls() == asked, "everybody who could know it"
    assert await gateway.data(PAGE, by={"orderNumber": "nobody-knows"}) == {"order": None}
    assert providers.calls() == asked, "that nobody knows it is remembered"


@pytest.mark.parametrize(
    "by",
    [
        {"uuid": "00000000-0000-4000-8000-000000000000"},
        {"orderName": "nobody-knows"},
        {"externalId": "nobody-knows"},
        {"orderHandle": "nobody-knows"},
        {"invoiceNumber": "nobody-knows"},
        {"paypalOrderId": "0" * 17},
    ],
    ids=lambda by: next(iter(by)),
)
async def test_nobody_knowing_is_no_error_by_any_key(gateway: Gateway, by: Data) -> None:
    assert await gateway.data(PAGE, by=by) == {"order": None}


@pytest.mark.parametrize("query", [FIND, PAGE, REFERENCES])
async def test_an_order_while_karla_is_down_and_nothing_is_at_hand_is_an_error(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder, query: str
) -> None:
    providers.fail("karla")
    reply = await gateway.ask(query, by={"orderNumber": plain_order.number})
    assert reply.data == {"order": None}
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert reply.failed_paths("karla") == ["order"]


async def test_an_order_that_one_does_not_know_and_another_cannot_be_asked_for_is_an_error(
    gateway: Gateway, providers: Providers
) -> None:
    providers.fail("hypertrack")
    reply = await gateway.ask(FIND, by={"orderNumber": "karla-does-not-know-it"})
    assert reply.data == {"order": None}
    assert reply.failures == {"hypertrack": "PROVIDER_FAILED"}
    assert providers.calls() == {"karla": 1, "hypertrack": 2}, "who failed is asked once more"


async def test_an_order_that_another_provider_knows_is_there_while_karla_is_down(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    """Only Karla was selected; HyperTrack is asked whether the order exists at all."""
    providers.fail("karla")
    reply = await gateway.ask(
        "query ($by: OrderBy!) { order(by: $by) { orderNumber currency status } }", by={"orderNumber": order.number}
    )
    assert reply.data == {"order": {"orderNumber": order.number, "currency": None, "status": "UNKNOWN"}}
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert reply.failed_paths("karla") == ["order.currency", "order.status"]
    assert providers.calls() == {"karla": 2, "hypertrack": 1}, "who failed is asked once more"


async def test_a_link_in_the_store_says_that_the_order_exists(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    await gateway.link(order)
    providers.fail("karla", "hypertrack", "paypal")
    providers.forget_calls()
    reply = await gateway.ask(
        "query ($by: OrderBy!) { order(by: $by) { orderNumber currency } }", by=KEYS["paypalOrderId"](order)
    )
    assert reply.data == {"order": {"orderNumber": order.number, "currency": None}}
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert providers.calls() == {"karla": 2}, "who failed is asked once more, and nobody else"


async def test_a_payment_that_is_linked_to_nothing_is_an_order_of_its_own(
    gateway: Gateway, providers: Providers
) -> None:
    """PayPal knows it and nobody else can: its id is made of PayPal's."""
    query = "query ($by: OrderBy!) { order(by: $by) { id orderNumber trackings { status } } }"
    order = (await gateway.data(query, by={"paypalOrderId": SAMPLE_ORDER_ID}))["order"]
    assert (order["orderNumber"], order["trackings"]) == (None, [{"status": "CANCELLED"}])
    assert providers.calls() == {"paypal": 1}
    assert (await gateway.data(query, by={"id": order["id"]}))["order"] == order


async def test_several_orders_of_one_name_are_ambiguous_and_never_the_first_one(
    clock: HandClock, open_gateway: OpenGateway
) -> None:
    one, other, *rest = orders_of()
    namesakes = World([one, replace(other, name=one.name), *rest], SimulationClock(clock))
    async with running_simulators(namesakes) as servers:
        shop = karla_only(Providers(servers))
        async with open_gateway(shops=shop) as gateway:
            reply = await gateway.ask(PAGE, by={"orderName": one.name})
            by_external_id = await gateway.data(FIND, by={"externalId": other.external_id})
    assert reply.data == {"order": None}
    assert reply.codes == ["AMBIGUOUS_REFERENCE"]
    assert set(reply.errors[0]["extensions"]["externalIds"]) == {one.external_id, other.external_id}
    assert by_external_id["order"]["orderNumber"] == other.number


async def test_a_parcel_of_several_orders_is_ambiguous(clock: HandClock, open_gateway: OpenGateway) -> None:
    one, other, *rest = orders_of()
    together = World([one, replace(other, parcels=one.parcels), *rest], SimulationClock(clock))
    async with running_simulators(together) as servers:
        shop = karla_only(Providers(servers))
        async with open_gateway(shops=shop) as gateway:
            await gateway.data("{ orders(first: 30) { nodes { id } } }")
            reply = await gateway.ask(FIND, by=KEYS["trackingNumber"](one))
    assert reply.codes == ["AMBIGUOUS_TRACKING_NUMBER"]
    assert sorted(reply.errors[0]["extensions"]["orderNumbers"]) == sorted([one.number, other.number])


async def test_references_tell_what_is_known_and_how(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    await gateway.link(order)
    providers.forget_calls()
    found = await gateway.data(REFERENCES, by={"orderNumber": order.number})
    references = {
        (reference["provider"]["name"], reference["kind"], reference["value"]): reference["origin"]
        for reference in found["order"]["references"]
    }
    assert references == {
        ("karla", "order_number", order.number): "PROVIDER",
        ("paypal", "paypal_order_id", order.paypal_order_id): "LINK",
        ("billink", "invoice_number", order.number): "RULE",
        ("hypertrack", "order_handle", order.number): "RULE",
    }
    assert providers.calls() == {}


async def test_references_tell_more_when_providers_have_said_more(gateway: Gateway, order: SimulatedOrder) -> None:
    query = REFERENCES.replace("{ id ", "{ totalPrice { amount } trackings { id } ")
    found = await gateway.data(query, by={"orderNumber": order.number})
    kinds = {reference["kind"]: reference["value"] for reference in found["order"]["references"]}
    assert kinds["uuid"] == order.uuid
    assert kinds["external_id"] == order.external_id
    assert kinds["route_handle"] == (order.stop.route_handle if order.stop else None)


async def test_a_rule_over_a_name_that_only_karla_knows_asks_karla_first(
    open_gateway: OpenGateway, providers: Providers, order: SimulatedOrder
) -> None:
    shop: dict[str, Any] = {**providers.settings}
    shop["hypertrack"] = {**shop["hypertrack"], "order_handle": "{external_id}"}
    async with open_gateway(shops={"demo": shop}) as gateway:
        await gateway.data(
            'query ($by: OrderBy!) { order(by: $by) { trackings(providers: ["hypertrack"]) { id } } }',
            by={"orderNumber": order.number},
        )
    assert providers.calls() == {"karla": 1, "hypertrack": 1}
    assert providers.received("hypertrack")[0].path.endswith(order.external_id)


@pytest.fixture
async def split(gateway: Gateway, world: World, plain_order: SimulatedOrder) -> list[str]:
    """Two PayPal orders that paid for one order: their ids."""
    ids = [order.paypal_order_id for order in world.orders if order.paypal_order_id and world.parcels(order)][:2]
    for value in ids:
        link = {"orderNumber": plain_order.number, "provider": "paypal", "kind": "paypal_order_id", "value": value}
        assert (await gateway.data(LINK_ORDER, input=link))["linkOrder"]["userErrors"] == []
    return [str(value) for value in ids]


async def test_a_split_payment_is_one_order_with_the_trackers_of_both(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder, split: list[str]
) -> None:
    providers.forget_calls()
    query = """
    query ($by: OrderBy!) {
      order(by: $by) {
        orderNumber
        trackings(providers: ["paypal"]) { ... on OrderTracker { paypalOrderId } }
        sources { cache }
      }
    }"""
    for paypal_order_id in split:
        order = (await gateway.data(query, by={"paypalOrderId": paypal_order_id}))["order"]
        assert order["orderNumber"] == plain_order.number
        assert {tracking["paypalOrderId"] for tracking in order["trackings"]} == set(split)
        assert len(order["sources"]) == 1
    assert providers.calls() == {"paypal": 2}
