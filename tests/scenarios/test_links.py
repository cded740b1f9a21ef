"""Linking references to orders: asks nobody, is seen by the next read, and says what is wrong with an input."""

from __future__ import annotations

from typing import Any

import pytest

from providers.simulation.world import SimulatedOrder
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import Data, Gateway, Providers, caches

LINK = """
mutation ($input: LinkOrderInput!) {
  linkOrder(input: $input) {
    order { id orderNumber }
    userErrors { code message path provider { name } providerCode }
  }
}"""
UNLINK = LINK.replace("LinkOrderInput", "UnlinkOrderInput").replace("linkOrder(", "unlinkOrder(")

PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { trackings { provider { name } } sources { provider { name } cache } }
}"""


def paypal_link(order: SimulatedOrder, **changes: Any) -> Data:
    link = {"provider": "paypal", "kind": "paypal_order_id", "value": order.paypal_order_id}
    return {"orderNumber": order.number, **link, **changes}


async def refusal(gateway: Gateway, mutation: str, given: Data) -> tuple[str, list[str]]:
    """Code and path of the one user error that `given` is answered with."""
    ((_field, payload),) = (await gateway.data(mutation, input=given)).items()
    assert payload["order"] is None
    (error,) = payload["userErrors"]
    assert error["message"]
    return error["code"], error["path"]


async def providers_of(gateway: Gateway, order: SimulatedOrder) -> set[str]:
    page = (await gateway.data(PAGE, number=order.number))["order"]
    return {tracking["provider"]["name"] for tracking in page["trackings"]}


async def test_a_link_asks_nobody_and_the_next_read_sees_it(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    assert await providers_of(gateway, order) == {"karla", "hypertrack"}
    providers.forget_calls()
    payload = (await gateway.data(LINK, input=paypal_link(order)))["linkOrder"]
    assert payload["userErrors"] == []
    assert payload["order"]["orderNumber"] == order.number
    assert providers.calls() == {}
    page = (await gateway.data(PAGE, number=order.number))["order"]
    assert "paypal" in {tracking["provider"]["name"] for tracking in page["trackings"]}
    assert caches(page) == {"karla": "MISS", "hypertrack": "MISS", "paypal": "MISS", "billink": "STORED"}
    assert providers.calls() == {"karla": 1, "hypertrack": 1, "paypal": 1}, "the order was invalidated"


async def test_the_order_in_the_answer_asks_for_what_is_selected_on_it(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    mutation = LINK.replace("{ id orderNumber }", '{ trackings(providers: ["paypal"]) { trackingNumber } }')
    payload = (await gateway.data(mutation, input=paypal_link(order)))["linkOrder"]
    assert len(payload["order"]["trackings"]) == len(order.parcels)
    assert providers.calls() == {"paypal": 1}


async def test_a_page_of_orders_sees_the_link_too(gateway: Gateway, order: SimulatedOrder) -> None:
    query = '{ orders(first: 30) { nodes { orderNumber payment: trackings(providers: ["paypal"]) { id } } } }'
    before = (await gateway.data(query))["orders"]["nodes"]
    assert [node["payment"] for node in before if node["orderNumber"] == order.number] == [[]]
    await gateway.link(order)
    after = (await gateway.data(query))["orders"]["nodes"]
    assert [len(node["payment"]) for node in after if node["orderNumber"] == order.number] == [1]


async def test_an_order_asked_for_right_after_a_list_and_a_link_is_kept(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    """Whatever is learnt after the link is fresh, though the clock has not moved since."""
    await gateway.link(order)
    await gateway.data("{ orders(first: 30) { nodes { id } } }")
    providers.forget_calls()
    await gateway.data("query ($n: String!) { order(by: {orderNumber: $n}) { currency } }", n=order.number)
    assert providers.calls() == {}


async def test_the_same_link_again_is_done_already(gateway: Gateway, order: SimulatedOrder) -> None:
    first = await gateway.data(LINK, input=paypal_link(order))
    assert await gateway.data(LINK, input=paypal_link(order)) == first


async def test_a_link_outlives_the_process(open_gateway: OpenGateway, order: SimulatedOrder) -> None:
    async with open_gateway() as before:
        await before.link(order)
    async with open_gateway() as after:
        assert "paypal" in await providers_of(after, order)


async def test_an_unlinked_reference_is_asked_no_more(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    await gateway.link(order)
    assert "paypal" in await providers_of(gateway, order)
    providers.forget_calls()
    payload = (await gateway.data(UNLINK, input=paypal_link(order)))["unlinkOrder"]
    assert (payload["userErrors"], payload["order"]["orderNumber"]) == ([], order.number)
    assert "paypal" not in await providers_of(gateway, order)
    assert providers.calls() == {"karla": 1, "hypertrack": 1}


async def test_a_reference_of_another_order_is_taken(
    gateway: Gateway, order: SimulatedOrder, plain_order: SimulatedOrder
) -> None:
    await gateway.link(order)
    taken = paypal_link(order, orderNumber=plain_order.number)
    assert await refusal(gateway, LINK, taken) == ("TAKEN", ["input", "value"])
    assert "paypal" not in await providers_of(gateway, plain_order)
    assert "paypal" in await providers_of(gateway, order), "the link that stands is left alone"
    await gateway.data(UNLINK, input=paypal_link(order))
    assert (await gateway.data(LINK, input=taken))["linkOrder"]["userErrors"] == []


async def test_what_is_not_linked_cannot_be_unlinked(gateway: Gateway, order: SimulatedOrder) -> None:
    assert await refusal(gateway, UNLINK, paypal_link(order)) == ("NOT_LINKED", ["input", "value"])


async def test_a_link_replaces_the_rule_of_its_kind(
    gateway: Gateway, providers: Providers, order: SimulatedOrder, plain_order: SimulatedOrder
) -> None:
    """HyperTrack calls this order by another handle than its number."""
    handle = {"provider": "hypertrack", "kind": "order_handle", "value": order.number}
    await gateway.data(LINK, input={"orderNumber": plain_order.number, **handle})
    query = """
    query ($by: OrderBy!) {
      order(by: $by) { orderNumber trackings(providers: ["hypertrack"]) { ... on RouteTracking { orderHandle } } }
    }"""
    expected = {"order": {"orderNumber": plain_order.number, "trackings": [{"orderHandle": order.number}]}}
    assert await gateway.data(query, by={"orderNumber": plain_order.number}) == expected
    assert [call.path for call in providers.received("hypertrack")] == [f"/orders/{order.number}"]
    assert await gateway.data(query, by={"orderHandle": order.number}) == expected


@pytest.mark.parametrize(
    ("changes", "code", "member"),
    [
        ({"provider": "nobody"}, "UNKNOWN_PROVIDER", "provider"),
        ({"provider": "karla", "kind": "uuid"}, "UNKNOWN_PROVIDER", "provider"),
        ({"kind": "invoice_number"}, "UNKNOWN_KIND", "kind"),
        ({"kind": ""}, "UNKNOWN_KIND", "kind"),
        ({"value": "not-an-id-of-paypal"}, "BAD_USER_INPUT", "value"),
        ({"value": ""}, "BAD_USER_INPUT", "value"),
        ({"value": "A" * 37}, "BAD_USER_INPUT", "value"),
        ({"value": "5O190127TN364715T\n"}, "BAD_USER_INPUT", "value"),
        ({"provider": "hypertrack", "kind": "order_handle", "value": ".."}, "BAD_USER_INPUT", "value"),
        ({"orderNumber": ""}, "BAD_USER_INPUT", "orderNumber"),
        ({"orderNumber": "x" * 256}, "BAD_USER_INPUT", "orderNumber"),
        ({"orderNumber": "12\x0034"}, "BAD_USER_INPUT", "orderNumber"),
    ],
)
@pytest.mark.parametrize("mutation", [LINK, UNLINK], ids=["link", "unlink"])
async def test_an_input_that_cannot_be_is_refused_where_it_is_wrong(
    gateway: Gateway, order: SimulatedOrder, mutation: str, changes: Data, code: str, member: str
) -> None:
    assert await refusal(gateway, mutation, paypal_link(order, **changes)) == (code, ["input", member])


async def test_a_provider_that_the_shop_does_not_have_takes_no_links(
    open_gateway: OpenGateway, providers: Providers, order: SimulatedOrder
) -> None:
    async with open_gateway(shops={"demo": {"karla": providers.settings["karla"]}}) as gateway:
        code = await refusal(gateway, LINK, paypal_link(order))
    assert code == ("PROVIDER_NOT_CONFIGURED", ["input", "provider"])


async def test_a_mutation_after_one_that_was_refused_is_done(gateway: Gateway, order: SimulatedOrder) -> None:
    mutation = """
    mutation ($wrong: LinkOrderInput!, $right: LinkOrderInput!) {
      a: linkOrder(input: $wrong) { userErrors { code } }
      b: linkOrder(input: $right) { order { references { origin kind } } userErrors { code } }
    }"""
    data = await gateway.data(mutation, wrong=paypal_link(order, value="?"), right=paypal_link(order))
    assert data["a"]["userErrors"] == [{"code": "BAD_USER_INPUT"}]
    assert data["b"]["userErrors"] == []
    assert {"origin": "LINK", "kind": "paypal_order_id"} in data["b"]["order"]["references"]
