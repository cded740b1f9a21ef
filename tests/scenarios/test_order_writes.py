"""Writing orders and parcels at Karla: done once, seen at once, refused in the words of the input."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder, World
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers

USER_ERRORS = "userErrors { code path provider { name } providerCode }"

ORDER = (
    "order { orderNumber externalId status address { zipCode city } expectedShipments trackings { trackingNumber } }"
)

PLACE = f"mutation ($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ {ORDER} {USER_ERRORS} }} }}"
UPSERT = f"mutation ($input: UpsertOrderInput!) {{ upsertOrder(input: $input) {{ {ORDER} {USER_ERRORS} }} }}"
UPDATE = f"mutation ($input: UpdateOrderInput!) {{ updateOrder(input: $input) {{ {ORDER} {USER_ERRORS} }} }}"
UPDATE_SHIPMENT = f"""
mutation ($input: UpdateShipmentInput!) {{
  updateShipment(input: $input) {{
    tracking {{ id trackingNumber trackingUrl products {{ title quantity }} source {{ cache }} }}
    {ORDER} {USER_ERRORS}
  }}
}}"""
FULFILL = f"""
mutation ($input: FulfillOrdersInput!) {{
  fulfillOrders(input: $input) {{ orders {{ orderNumber status trackings {{ trackingNumber }} }} {USER_ERRORS} }}
}}"""

READ = f"query ($by: OrderBy!) {{ {ORDER.replace('order {', 'order(by: $by) {', 1)} }}"
PARCELS = """
query ($number: String!) { order(by: {orderNumber: $number}) { trackings(providers: ["karla"]) { id trackingNumber } } }
"""

NEW: Data = {
    "orderNumber": "N-1",
    "externalId": "ext-1",
    "orderName": "#N-1",
    "totalPrice": "29.99",
    "products": [
        {"title": "Product A", "quantity": 1, "price": "10", "bundledProducts": [{"title": "B", "quantity": 2}]}
    ],
    "discounts": [{"code": "ULTRA_OFFER", "amount": "10.0", "type": "percentage"}],
    "address": {"street": "123 Main St", "zipCode": "10001", "city": "New York"},
    "segments": ["segment1"],
    "weightGrams": 1000,
    "analytics": {"seen": 3},
    "expectedShipments": 2,
}


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    """A gateway that waits for nobody for long."""
    async with open_gateway(server={"call_deadline_seconds": 0.8, "query_deadline_seconds": 1.6}) as gateway:
        yield gateway


async def written(gateway: Gateway, mutation: str, given: Data) -> Data:
    """The one payload of `mutation`."""
    (payload,) = (await gateway.data(mutation, input=given)).values()
    assert isinstance(payload, dict)
    return payload


def errors_of(payload: Data) -> list[tuple[str, list[str]]]:
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


async def test_a_placed_order_is_answered_in_the_same_round_trip(gateway: Gateway) -> None:
    payload = await written(gateway, PLACE, NEW)
    assert payload == {
        "order": {
            "orderNumber": "N-1",
            "externalId": "ext-1",
            "status": "PLACED",
            "address": {"zipCode": "10001", "city": "New York"},
            "expectedShipments": 2,
            "trackings": [],
        },
        "userErrors": [],
    }


@pytest.mark.parametrize("by", [{"orderNumber": "N-1"}, {"externalId": "ext-1"}, {"orderName": "#N-1"}])
async def test_an_order_that_was_not_there_is_there_once_it_was_placed(gateway: Gateway, by: Data) -> None:
    """A remembered "not found" does not outlive the write, by whatever name it was remembered."""
    assert (await gateway.data(READ, by=by))["order"] is None
    await written(gateway, PLACE, NEW)
    assert (await gateway.data(READ, by=by))["order"]["orderNumber"] == "N-1"


async def test_placing_costs_one_call_and_one_for_what_is_selected(gateway: Gateway, providers: Providers) -> None:
    await gateway.data(
        "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { userErrors { code } } }", input=NEW
    )
    assert [(call.method, call.path.rpartition("/")[2]) for call in providers.received("karla")] == [("POST", "orders")]


async def test_an_order_that_exists_cannot_be_placed(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    payload = await written(
        gateway, PLACE, NEW | {"orderNumber": plain_order.number, "externalId": plain_order.external_id}
    )
    assert payload["order"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["provider"], error["providerCode"]) == (
        "ALREADY_EXISTS",
        {"name": "karla"},
        "order_exists",
    )


async def test_an_order_whose_answer_was_lost_is_placed_once(gateway: Gateway, providers: Providers) -> None:
    keyed = NEW | {"idempotencyKey": "order-1"}
    providers.fail("karla", fault=Fault(mode=FaultMode.TRUNCATE, method="POST", count=1))
    assert (await gateway.ask(PLACE, input=keyed)).failures == {"karla": "OUTCOME_UNKNOWN"}
    payload = await written(gateway, PLACE, keyed)
    assert (payload["userErrors"], payload["order"]["orderNumber"]) == ([], "N-1")


async def test_another_order_of_that_name_is_a_refusal_also_when_asked_again(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    keyed = NEW | {"orderNumber": plain_order.number, "idempotencyKey": "order-1"}
    providers.fail("karla", fault=HANGING)
    assert (await gateway.ask(PLACE, input=keyed)).failures == {"karla": "OUTCOME_UNKNOWN"}
    providers.mend("karla")
    payload = await written(gateway, PLACE, keyed)
    assert [error["code"] for error in payload["userErrors"]] == ["ALREADY_EXISTS"]


async def test_an_upsert_adds_a_parcel_that_the_next_read_shows(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    by = {"orderNumber": plain_order.number}
    before = (await gateway.data(READ, by=by))["order"]["trackings"]
    given = {"reference": plain_order.number, "trackings": [{"trackingNumber": "00340434292135100186"}]}
    payload = await written(gateway, UPSERT, given)
    assert payload["userErrors"] == []
    numbers = [tracking["trackingNumber"] for tracking in payload["order"]["trackings"]]
    assert sorted(numbers) == sorted([*(each["trackingNumber"] for each in before), "00340434292135100186"])
    assert (await gateway.data(READ, by=by))["order"] == payload["order"]


async def test_a_parcel_that_was_written_leads_to_its_order(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    given = {"reference": plain_order.number, "trackings": [{"trackingNumber": "00340434292135100186"}]}
    nothing_read = "mutation ($input: UpsertOrderInput!) { upsertOrder(input: $input) { userErrors { code } } }"
    await gateway.data(nothing_read, input=given)
    found = await gateway.data(READ, by={"trackingNumber": "00340434292135100186"})
    assert found["order"]["orderNumber"] == plain_order.number


@pytest.mark.parametrize(("kind", "member"), [("EXTERNAL_ID", "external_id"), ("ORDER_NAME", "name"), ("UUID", "uuid")])
async def test_a_write_by_another_name_is_seen_under_the_number(
    gateway: Gateway, plain_order: SimulatedOrder, kind: str, member: str
) -> None:
    by = {"orderNumber": plain_order.number}
    await gateway.data(READ, by=by)
    given = {
        "reference": getattr(plain_order, member),
        "referenceType": kind,
        "trackings": [{"trackingNumber": "00340434292135100186"}],
    }
    assert (await written(gateway, UPSERT, given))["order"]["orderNumber"] == plain_order.number
    trackings = (await gateway.data(READ, by=by))["order"]["trackings"]
    assert "00340434292135100186" in [tracking["trackingNumber"] for tracking in trackings]


async def test_an_upsert_of_an_unknown_order_needs_the_order(gateway: Gateway) -> None:
    payload = await written(gateway, UPSERT, {"reference": "nowhere", "trackings": []})
    assert errors_of(payload) == [("ORDER_NOT_FOUND", ["input", "reference"])]


@pytest.mark.parametrize("key", ["orderNumber", "externalId", "uuid", "orderHandle"])
async def test_an_order_is_changed_by_any_of_its_keys(gateway: Gateway, plain_order: SimulatedOrder, key: str) -> None:
    members = {"externalId": "external_id", "uuid": "uuid"}
    by = {key: getattr(plain_order, members.get(key, "number"))}
    given = {"order": by, "address": {"zipCode": "10119", "city": "Berlin"}, "expectedShipments": 7}
    payload = await written(gateway, UPDATE, given)
    assert payload["userErrors"] == []
    assert payload["order"]["address"] == {"zipCode": "10119", "city": "Berlin"}
    assert payload["order"]["expectedShipments"] == 7


async def test_an_order_that_nobody_knows_cannot_be_changed(gateway: Gateway) -> None:
    payload = await written(gateway, UPDATE, {"order": {"orderNumber": "nowhere"}, "expectedShipments": 2})
    assert errors_of(payload) == [("ORDER_NOT_FOUND", ["input", "order"])]


async def test_what_cannot_be_read_cannot_be_changed_and_nothing_was_sent(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    """A read that hangs is no write of which nobody knows whether it was done."""
    providers.fail("karla", fault=HANGING)
    reply = await gateway.ask(UPDATE, input={"order": {"orderNumber": plain_order.number}, "expectedShipments": 2})
    assert (reply.data, reply.failures) == ({"updateOrder": None}, {"karla": "PROVIDER_TIMEOUT"})
    assert {call.method for call in providers.received("karla")} == {"GET"}


async def parcel_id(gateway: Gateway, order: SimulatedOrder) -> str:
    trackings = (await gateway.data(PARCELS, number=order.number))["order"]["trackings"]
    return str(trackings[0]["id"])


async def test_a_parcel_is_changed_and_keeps_its_id(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    tracking = await parcel_id(gateway, plain_order)
    given = {
        "trackingId": tracking,
        "trackingUrl": "https://carrier.example/1",
        "products": [{"title": "Product A", "quantity": 1}],
    }
    payload = await written(gateway, UPDATE_SHIPMENT, given)
    assert payload["userErrors"] == []
    assert payload["tracking"]["id"] == tracking
    assert payload["tracking"]["trackingUrl"] == "https://carrier.example/1"
    assert payload["tracking"]["products"] == [{"title": "Product A", "quantity": 1}]
    assert payload["order"]["orderNumber"] == plain_order.number


async def test_products_left_out_stay_and_an_empty_list_clears_them(
    gateway: Gateway, plain_order: SimulatedOrder
) -> None:
    tracking = await parcel_id(gateway, plain_order)
    kept = await written(gateway, UPDATE_SHIPMENT, {"trackingId": tracking, "trackingUrl": "https://carrier.example/1"})
    assert kept["tracking"]["products"]
    cleared = await written(gateway, UPDATE_SHIPMENT, {"trackingId": tracking, "products": []})
    assert cleared["tracking"]["products"] == []
    assert cleared["tracking"]["trackingUrl"] == "https://carrier.example/1"


async def test_the_id_of_anything_but_a_parcel_is_refused(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    order = await gateway.data(
        "query ($by: OrderBy!) { order(by: $by) { id } }", by={"orderNumber": plain_order.number}
    )
    providers.forget_calls()
    for wrong in (order["order"]["id"], "nonsense"):
        payload = await written(gateway, UPDATE_SHIPMENT, {"trackingId": wrong, "products": []})
        assert errors_of(payload) == [("BAD_ID", ["input", "trackingId"])]
    assert providers.calls() == {}


async def test_orders_are_fulfilled_together_and_answered_in_the_order_of_the_input(
    gateway: Gateway, world: World
) -> None:
    known = [order for order in world.orders if not order.paypal_order_id][:3]
    given = [
        {"reference": order.number, "trackings": [{"trackingNumber": f"0034043429213510{place:04}"}]}
        for place, order in enumerate(known)
    ]
    payload = await written(gateway, FULFILL, {"orders": given})
    assert payload["userErrors"] == []
    assert [order["orderNumber"] for order in payload["orders"]] == [order.number for order in known]
    for place, order in enumerate(payload["orders"]):
        assert f"0034043429213510{place:04}" in [tracking["trackingNumber"] for tracking in order["trackings"]]


async def test_one_bad_order_refuses_all_and_is_named(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    given = [
        {"reference": plain_order.number, "trackings": []},
        {"reference": plain_order.number, "trackings": [{"trackingNumber": "1", "carrierReference": "nobody"}]},
    ]
    payload = await written(gateway, FULFILL, {"orders": given})
    assert payload["orders"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["providerCode"]) == ("PROVIDER_REJECTED", "carrier_reference_invalid")
    assert error["path"] == ["input", "orders", "1", "trackings", "0", "carrierReference"]


async def test_a_refusal_leads_to_the_member_of_the_input(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    given = {
        "reference": plain_order.number,
        "trackings": [{"trackingNumber": "1", "carrierReference": "nobody"}],
    }
    (error,) = (await written(gateway, UPSERT, given))["userErrors"]
    assert (error["code"], error["providerCode"]) == ("PROVIDER_REJECTED", "carrier_reference_invalid")
    assert error["path"] == ["input", "trackings", "0", "carrierReference"]


BAD: dict[str, tuple[str, Data, list[str]]] = {
    "no postal code": (PLACE, NEW | {"address": {"city": "Berlin"}}, ["input", "address", "zipCode"]),
    "blank number": (PLACE, NEW | {"orderNumber": " "}, ["input", "orderNumber"]),
    "no currency": (PLACE, NEW | {"currency": "Euro"}, ["input", "currency"]),
    "too many parcels": (PLACE, NEW | {"expectedShipments": 101}, ["input", "expectedShipments"]),
    "no parcels": (PLACE, NEW | {"expectedShipments": 0}, ["input", "expectedShipments"]),
    "control characters": (
        PLACE,
        NEW | {"products": [{"title": "a\u0000b", "quantity": 1}]},
        ["input", "products", "0", "title"],
    ),
    "statistics that are no object": (PLACE, NEW | {"analytics": [1]}, ["input", "analytics"]),
    "reference that is no UUID": (
        UPSERT,
        {"reference": "1", "referenceType": "UUID", "trackings": []},
        ["input", "reference"],
    ),
    "nothing to change on an order": (UPDATE, {"order": {"orderNumber": "1"}}, ["input"]),
    "order by a bad id": (UPDATE, {"order": {"id": "nonsense"}, "expectedShipments": 1}, ["input", "order"]),
    "no orders": (FULFILL, {"orders": []}, ["input", "orders"]),
    "too many orders": (FULFILL, {"orders": [{"reference": "1", "trackings": []}] * 101}, ["input", "orders"]),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(gateway: Gateway, providers: Providers, name: str) -> None:
    mutation, given, path = BAD[name]
    payload = await written(gateway, mutation, given)
    assert [error["path"] for error in payload["userErrors"]] == [path]
    assert providers.calls() == {}


FAILURES: dict[str, tuple[Fault, str, bool]] = {
    "503": (DOWN, "PROVIDER_UNAVAILABLE", True),
    "500": (Fault(mode=FaultMode.STATUS, status=500), "OUTCOME_UNKNOWN", False),
    "hang": (HANGING, "OUTCOME_UNKNOWN", False),
    "garbage": (Fault(mode=FaultMode.GARBAGE), "OUTCOME_UNKNOWN", False),
    "401": (Fault(mode=FaultMode.STATUS, status=401), "PROVIDER_AUTH_FAILED", False),
}


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_failure_says_whether_it_may_be_sent_again(gateway: Gateway, providers: Providers, kind: str) -> None:
    fault, code, retryable = FAILURES[kind]
    providers.fail("karla", fault=fault)
    reply = await gateway.ask(PLACE, input=NEW)
    assert reply.data == {"placeOrder": None}
    (error,) = reply.errors
    assert (error["path"], error["extensions"]["code"], error["extensions"]["retryable"]) == (
        ["placeOrder"],
        code,
        retryable,
    )


async def test_after_an_unknown_outcome_the_order_is_read_anew(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    """Whether it was done can be seen only at the provider, not in a copy from before."""
    by = {"orderNumber": plain_order.number}
    await gateway.data(READ, by=by)
    providers.fail("karla", fault=HANGING)
    given = {"reference": plain_order.number, "trackings": [{"trackingNumber": "00340434292135100186"}]}
    assert (await gateway.ask(UPSERT, input=given)).failures == {"karla": "OUTCOME_UNKNOWN"}
    providers.mend()
    providers.forget_calls()
    await gateway.data("query ($by: OrderBy!) { order(by: $by) { placedAt } }", by=by)
    assert providers.calls() == {"karla": 1}


async def test_two_writes_in_one_document_show_two_states(gateway: Gateway, plain_order: SimulatedOrder) -> None:
    """What was loaded for the payload of the first is not shown for the second."""
    order = f'order: {{orderNumber: "{plain_order.number}"}}'
    answer = await gateway.data(
        f"""mutation {{
          first: updateOrder(input: {{{order}, expectedShipments: 3}}) {{ order {{ expectedShipments }} }}
          second: updateOrder(input: {{{order}, expectedShipments: 4}}) {{ order {{ expectedShipments }} }}
        }}"""
    )
    assert answer == {
        "first": {"order": {"expectedShipments": 3}},
        "second": {"order": {"expectedShipments": 4}},
    }


async def test_pages_show_a_new_order(gateway: Gateway) -> None:
    page = "{ orders(first: 1) { nodes { orderNumber } } }"
    assert (await gateway.data(page))["orders"]["nodes"] != [{"orderNumber": "N-1"}]
    await written(gateway, PLACE, NEW)
    assert (await gateway.data(page))["orders"]["nodes"] == [{"orderNumber": "N-1"}]


@pytest.mark.parametrize(("mutation", "given"), [(PLACE, NEW), (UPSERT, {"reference": "1", "trackings": []})])
async def test_a_shop_without_karla_says_so(
    open_gateway: OpenGateway, providers: Providers, mutation: str, given: Data
) -> None:
    shops: dict[str, Any] = {"demo": {"billink": providers.settings["billink"]}}
    async with open_gateway(shops=shops) as gateway:
        payload = await written(gateway, mutation, given)
    assert errors_of(payload) == [("PROVIDER_NOT_CONFIGURED", ["input"])]
