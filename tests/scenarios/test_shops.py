"""Several shops behind one gateway: each has its own providers, credentials and orders, and nothing crosses over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.simulation.clock import SimulationClock
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway, orders_of
from tests.scenarios.harness import LINK_ORDER, Gateway, Providers

OTHER_SEED = 8

ORDER = """
query ($number: String!, $shop: String) {
  order(by: {orderNumber: $number}, shop: $shop) {
    id externalId shop { slug } trackings { id trackingNumber provider { name } }
  }
}"""

REGISTER = """
mutation ($number: String!, $shop: String) {
  createInvoiceTracker(
    input: {invoiceNumber: $number, carrierCode: "DHL", trackAndTrace: "00340434161094015902", shop: $shop}
  ) { tracker { id } userErrors { code } }
}"""


@pytest.fixture
async def other_providers(clock: HandClock) -> AsyncIterator[Providers]:
    """Another shop's providers: the same order numbers, and other orders behind them."""
    async with running_simulators(World(orders_of(OTHER_SEED), SimulationClock(clock))) as servers:
        yield Providers(servers)


@pytest.fixture
async def gateway(
    open_gateway: OpenGateway, providers: Providers, other_providers: Providers
) -> AsyncIterator[Gateway]:
    async with open_gateway(shops={"north": providers.settings, "south": other_providers.settings}) as gateway:
        yield gateway


@pytest.fixture
def other_order(order: SimulatedOrder) -> SimulatedOrder:
    """The other shop's order of the same number."""
    return next(other for other in orders_of(OTHER_SEED) if other.number == order.number)


SHOP_LEFT_OUT = [
    '{ order(by: {orderNumber: "1235"}) { id } }',
    "{ orders { nodes { id } } }",
    '{ route(handle: "x") { id } }',
    "{ shop { id } }",
]


@pytest.mark.parametrize("query", SHOP_LEFT_OUT)
async def test_a_question_that_names_no_shop_is_answered_with_the_choices(gateway: Gateway, query: str) -> None:
    reply = await gateway.ask(query)
    assert reply.codes == ["SHOP_REQUIRED"]
    assert reply.errors[0]["extensions"]["shops"] == ["north", "south"]
    assert set((reply.data or {}).values()) == {None}


@pytest.mark.parametrize(
    "mutation",
    [
        'linkOrder(input: {orderNumber: "1", provider: "paypal", kind: "paypal_order_id", value: "A"})',
        'unlinkOrder(input: {orderNumber: "1", provider: "paypal", kind: "paypal_order_id", value: "A"})',
        'refreshOrder(input: {order: {orderNumber: "1"}})',
        'createInvoiceTracker(input: {invoiceNumber: "1", carrierCode: "DHL", trackAndTrace: "1"})',
    ],
    ids=lambda mutation: mutation.partition("(")[0],
)
async def test_a_mutation_that_names_no_shop_does_nothing(
    gateway: Gateway, providers: Providers, other_providers: Providers, mutation: str
) -> None:
    reply = await gateway.ask(f"mutation {{ {mutation} {{ userErrors {{ code }} }} }}")
    assert reply.codes == ["SHOP_REQUIRED"]
    assert providers.calls() == other_providers.calls() == {}


async def test_a_shop_that_is_none_is_an_error_and_shop_itself_is_null(gateway: Gateway) -> None:
    reply = await gateway.ask('{ order(by: {orderNumber: "1235"}, shop: "west") { id } }')
    assert (reply.data, reply.codes) == ({"order": None}, ["UNKNOWN_SHOP"])
    assert await gateway.data('{ shop(slug: "west") { id } }') == {"shop": None}
    assert await gateway.data('{ shop(slug: "south") { slug } }') == {"shop": {"slug": "south"}}


async def test_equal_order_numbers_of_two_shops_are_two_orders(
    gateway: Gateway, order: SimulatedOrder, other_order: SimulatedOrder
) -> None:
    """Asked for one after the other and together, from one cache."""
    north = (await gateway.data(ORDER, number=order.number, shop="north"))["order"]
    south = (await gateway.data(ORDER, number=order.number, shop="south"))["order"]
    assert (north["externalId"], south["externalId"]) == (order.external_id, other_order.external_id)
    assert (north["shop"], south["shop"]) == ({"slug": "north"}, {"slug": "south"})
    assert north["id"] != south["id"]
    assert not {tracking["id"] for tracking in north["trackings"]} & {tracking["id"] for tracking in south["trackings"]}
    both = await gateway.data(
        'query ($n: String!) { a: order(by: {orderNumber: $n}, shop: "north") { externalId }'
        ' b: order(by: {orderNumber: $n}, shop: "south") { externalId } }',
        n=order.number,
    )
    assert both == {"a": {"externalId": order.external_id}, "b": {"externalId": other_order.external_id}}


async def test_an_id_knows_its_shop(gateway: Gateway, order: SimulatedOrder, other_order: SimulatedOrder) -> None:
    south = (await gateway.data(ORDER, number=order.number, shop="south"))["order"]
    by_id = "query ($id: ID!, $shop: String) { order(by: {id: $id}, shop: $shop) { externalId } }"
    assert await gateway.data(by_id, id=south["id"]) == {"order": {"externalId": other_order.external_id}}
    assert (await gateway.ask(by_id, id=south["id"], shop="north")).codes == ["BAD_ID"]
    node = await gateway.data("query ($id: ID!) { node(id: $id) { ... on Order { externalId } } }", id=south["id"])
    assert node == {"node": {"externalId": other_order.external_id}}


async def test_pages_belong_to_a_shop_and_so_do_their_cursors(gateway: Gateway, order: SimulatedOrder) -> None:
    query = """
    query ($shop: String!, $after: String) {
      orders(first: 5, shop: $shop, after: $after) { nodes { externalId } pageInfo { endCursor } }
    }"""
    pages = {shop: (await gateway.data(query, shop=shop))["orders"] for shop in ("north", "south")}
    assert pages["north"]["nodes"] != pages["south"]["nodes"]
    assert order.external_id in [one["externalId"] for one in (await every_order(gateway, "north"))]
    reply = await gateway.ask(query, shop="south", after=pages["north"]["pageInfo"]["endCursor"])
    assert reply.codes == ["BAD_CURSOR"]


async def every_order(gateway: Gateway, shop: str) -> list[dict[str, Any]]:
    query = "query ($shop: String!) { orders(first: 100, shop: $shop) { nodes { externalId } } }"
    nodes: list[dict[str, Any]] = (await gateway.data(query, shop=shop))["orders"]["nodes"]
    return nodes


async def test_links_belong_to_a_shop(
    gateway: Gateway, order: SimulatedOrder, other_order: SimulatedOrder, plain_order: SimulatedOrder
) -> None:
    """One PayPal order may be linked in both shops, to different orders."""
    value = {"provider": "paypal", "kind": "paypal_order_id", "value": order.paypal_order_id}
    for shop, number in (("north", order.number), ("south", plain_order.number)):
        given = {"orderNumber": number, "shop": shop, **value}
        assert (await gateway.data(LINK_ORDER, input=given))["linkOrder"]["userErrors"] == []
    query = "query ($id: String!, $shop: String!) { order(by: {paypalOrderId: $id}, shop: $shop) { orderNumber } }"
    for shop, number in (("north", order.number), ("south", plain_order.number)):
        assert await gateway.data(query, id=order.paypal_order_id, shop=shop) == {"order": {"orderNumber": number}}
    assert other_order.number == order.number


async def test_registered_trackers_and_tracking_numbers_belong_to_a_shop(
    gateway: Gateway, order: SimulatedOrder
) -> None:
    payload = (await gateway.data(REGISTER, number=order.number, shop="north"))["createInvoiceTracker"]
    assert payload["userErrors"] == []
    seen = {
        shop: (await gateway.data(ORDER, number=order.number, shop=shop))["order"]["trackings"]
        for shop in ("north", "south")
    }
    assert payload["tracker"]["id"] in [tracking["id"] for tracking in seen["north"]]
    assert "billink" not in {tracking["provider"]["name"] for tracking in seen["south"]}
    query = "query ($n: String!, $shop: String!) { order(by: {trackingNumber: $n}, shop: $shop) { orderNumber } }"
    number = "00340434161094015902"
    assert (await gateway.data(query, n=number, shop="north"))["order"] == {"orderNumber": order.number}
    assert (await gateway.ask(query, n=number, shop="south")).codes == ["REFERENCE_NOT_INDEXED"]


async def test_one_shops_provider_failing_is_no_failure_of_the_others(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("karla")
    assert (await gateway.ask(ORDER, number=order.number, shop="north")).failures == {"karla": "PROVIDER_FAILED"}
    await gateway.data(ORDER, number=order.number, shop="south")
    health = "query ($shop: String!) { providers(shop: $shop) { name health { level } } }"
    levels = {
        shop: (await gateway.data(health, shop=shop))["providers"][0]["health"]["level"] for shop in ("north", "south")
    }
    assert levels == {"north": "DOWN", "south": "HEALTHY"}


async def test_a_shop_has_the_providers_it_configured(
    open_gateway: OpenGateway, providers: Providers, order: SimulatedOrder
) -> None:
    few = {name: providers.settings[name] for name in ("karla", "hypertrack")}
    async with open_gateway(shops={"few": few, "all": providers.settings}) as gateway:
        names = {
            shop: [
                one["name"] for one in (await gateway.data(f'{{ providers(shop: "{shop}") {{ name }} }}'))["providers"]
            ]
            for shop in ("few", "all")
        }
        assert names == {"few": ["karla", "hypertrack"], "all": ["karla", "hypertrack", "paypal", "billink"]}
        query = """
        query ($n: String!, $p: [String!]) {
          order(by: {orderNumber: $n}, shop: "few") { trackings(providers: $p) { id } }
        }"""
        adds_nothing = await gateway.data(query, n=order.number, p=["paypal", "billink"])
        assert adds_nothing == {"order": {"trackings": []}}
        unknown = await gateway.ask(query, n=order.number, p=["karla", "fedex"])
        assert set(unknown.codes) == {"UNKNOWN_PROVIDER"}
        assert unknown.errors[0]["extensions"]["providers"] == ["karla", "hypertrack", "paypal", "billink"]


async def test_wrong_credentials_of_one_shop_are_told_and_told_apart(
    open_gateway: OpenGateway, providers: Providers, order: SimulatedOrder
) -> None:
    wrong = {**providers.settings, "karla": {**providers.settings["karla"], "api_key": "not-the-key"}}
    async with open_gateway(shops={"right": providers.settings, "wrong": wrong}) as gateway:
        reply = await gateway.ask(ORDER, number=order.number, shop="wrong")
        assert reply.failures == {"karla": "PROVIDER_AUTH_FAILED"}
        assert "not-the-key" not in str(reply.errors)
        await gateway.data(ORDER, number=order.number, shop="right")
