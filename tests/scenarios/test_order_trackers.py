"""Trackers on payments at PayPal: added, changed and called off, each seen in the same round trip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.schema.ids import GlobalId
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers, Reply

TRACKER = (
    "tracker { id trackerId paypalOrderId captureId trackingNumber status items { name quantity } source { cache } }"
)
REST = "order { orderNumber } userErrors { code path provider { name } providerCode }"

CREATE = f"""
mutation ($input: CreateOrderTrackerInput!) {{ createOrderTracker(input: $input) {{ {TRACKER} {REST} }} }}"""
UPDATE = f"""
mutation ($input: UpdateOrderTrackerInput!) {{ updateOrderTracker(input: $input) {{ {TRACKER} {REST} }} }}"""
CANCEL = f"""
mutation ($input: CancelOrderTrackerInput!) {{ cancelOrderTracker(input: $input) {{ {TRACKER} {REST} }} }}"""

TRACKERS = """
query ($by: OrderBy!) { order(by: $by) { trackings(providers: ["paypal"]) { id status } } }
"""


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    """A gateway that waits for nobody for long."""
    async with open_gateway(server={"call_deadline_seconds": 0.8, "query_deadline_seconds": 1.6}) as gateway:
        yield gateway


@pytest.fixture
def tracker(order: SimulatedOrder) -> Data:
    """The input of a tracker that PayPal takes."""
    return {
        "paypalOrderId": order.paypal_order_id,
        "captureId": order.capture_id,
        "trackingNumber": "443844607820",
        "carrier": "FEDEX",
        "items": [{"name": "Product A", "quantity": "2"}],
    }


async def written(gateway: Gateway, mutation: str, given: Data) -> Data:
    """The one payload of `mutation`."""
    (payload,) = (await gateway.data(mutation, input=given)).values()
    assert isinstance(payload, dict)
    return payload


def errors_of(payload: Data) -> list[tuple[str, list[str]]]:
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


async def ids(gateway: Gateway, **by: str | None) -> list[str]:
    """The ids of the trackers that an order has now."""
    found = (await gateway.data(TRACKERS, by=by))["order"]
    return [tracking["id"] for tracking in found["trackings"]]


async def test_a_tracker_is_added_and_seen_under_either_key(
    gateway: Gateway, order: SimulatedOrder, tracker: Data
) -> None:
    """What was read before, by the payment's id or by the order's number, is read anew."""
    await gateway.link(order)
    for by in ({"paypalOrderId": order.paypal_order_id}, {"orderNumber": order.number}):
        await ids(gateway, **by)
    payload = await written(gateway, CREATE, tracker)
    assert payload["userErrors"] == []
    assert payload["order"] == {"orderNumber": order.number}
    made = payload["tracker"]
    assert (made["captureId"], made["trackingNumber"], made["status"]) == (
        order.capture_id,
        "443844607820",
        "INFO_RECEIVED",
    )
    assert made["items"] == [{"name": "Product A", "quantity": "2"}]
    for by in ({"paypalOrderId": order.paypal_order_id}, {"orderNumber": order.number}):
        assert made["id"] in await ids(gateway, **by)


async def test_an_order_that_is_not_linked_is_read_anew_as_well(
    gateway: Gateway, order: SimulatedOrder, tracker: Data
) -> None:
    before = await ids(gateway, paypalOrderId=order.paypal_order_id)
    made = (await written(gateway, CREATE, tracker))["tracker"]
    assert {*await ids(gateway, paypalOrderId=order.paypal_order_id)} == {*before, made["id"]}


async def test_the_number_of_a_linked_payments_tracker_leads_to_the_order(
    gateway: Gateway, order: SimulatedOrder, tracker: Data
) -> None:
    await gateway.link(order)
    await written(gateway, CREATE, tracker)
    found = await gateway.data(
        "query ($by: OrderBy!) { order(by: $by) { orderNumber } }", by={"trackingNumber": "443844607820"}
    )
    assert found["order"] == {"orderNumber": order.number}


async def test_items_are_replaced(gateway: Gateway, tracker: Data) -> None:
    made = (await written(gateway, CREATE, tracker))["tracker"]
    given = {"trackingId": made["id"], "items": [{"name": "Product B", "quantity": "1"}], "notifyPayer": True}
    payload = await written(gateway, UPDATE, given)
    assert payload["userErrors"] == []
    assert (payload["tracker"]["id"], payload["tracker"]["items"]) == (
        made["id"],
        [{"name": "Product B", "quantity": "1"}],
    )


async def test_a_tracker_is_called_off(gateway: Gateway, tracker: Data) -> None:
    made = (await written(gateway, CREATE, tracker))["tracker"]
    payload = await written(gateway, CANCEL, {"trackingId": made["id"]})
    assert (payload["userErrors"], payload["tracker"]["status"]) == ([], "CANCELLED")
    assert payload["tracker"]["id"] == made["id"]


async def test_what_is_not_selected_is_not_read(gateway: Gateway, providers: Providers, tracker: Data) -> None:
    made = (await written(gateway, CREATE, tracker))["tracker"]
    providers.forget_calls()
    nothing = (
        "mutation ($input: CancelOrderTrackerInput!) { cancelOrderTracker(input: $input) { userErrors { code } } }"
    )
    await gateway.data(nothing, input={"trackingId": made["id"]})
    assert [call.method for call in providers.received("paypal")] == ["PATCH"]


async def test_a_tracker_that_is_not_there_cannot_be_changed(gateway: Gateway, order: SimulatedOrder) -> None:
    absent = str(GlobalId("OrderTracker", "demo", (str(order.paypal_order_id), "NOWHERE")))
    for mutation, given in ((UPDATE, {"trackingId": absent, "notifyPayer": True}), (CANCEL, {"trackingId": absent})):
        payload = await written(gateway, mutation, given)
        assert errors_of(payload) == [("TRACKING_NOT_FOUND", ["input", "trackingId"])]
        assert payload["tracker"] is None


async def test_a_payment_that_paypal_does_not_know_is_a_user_error(gateway: Gateway, tracker: Data) -> None:
    payload = await written(gateway, CREATE, tracker | {"paypalOrderId": "0AA00000AA000000A"})
    assert errors_of(payload) == [("ORDER_NOT_FOUND", ["input", "paypalOrderId"])]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"captureId": "8MC585209K746392H"}, ["input", "captureId"], "CAPTURE_ID_NOT_FOUND"),
        ({"items": [{"name": "A", "quantity": "1", "sku": "never sold"}]}, ["input", "items"], "ITEM_SKU_MISMATCH"),
    ],
)
async def test_a_refusal_leads_to_the_member_of_the_input(
    gateway: Gateway, tracker: Data, changes: Data, path: list[str], code: str
) -> None:
    (error,) = (await written(gateway, CREATE, tracker | changes))["userErrors"]
    assert (error["code"], error["provider"], error["providerCode"]) == ("PROVIDER_REJECTED", {"name": "paypal"}, code)
    assert error["path"][: len(path)] == path


BAD: dict[str, tuple[Data, list[str]]] = {
    "capture": ({"captureId": "a-b"}, ["input", "captureId"]),
    "long number": ({"trackingNumber": "1" * 65}, ["input", "trackingNumber"]),
    "carrier in small letters": ({"carrier": "fedex"}, ["input", "carrier"]),
    "other carrier without a name": ({"carrier": "OTHER"}, ["input", "carrierNameOther"]),
    "name of a carrier that has a code": ({"carrierNameOther": "Bike"}, ["input", "carrierNameOther"]),
    "quantity of nothing": ({"items": [{"quantity": "0"}]}, ["input", "items", "0", "quantity"]),
    "quantity with a fraction": ({"items": [{"quantity": "1.5"}]}, ["input", "items", "0", "quantity"]),
    "picture over http": ({"items": [{"imageUrl": "http://a.example/a.png"}]}, ["input", "items", "0", "imageUrl"]),
    "picture of a kind": ({"items": [{"imageUrl": "https://a.example/a.svg"}]}, ["input", "items", "0", "imageUrl"]),
    "UPC's kind": (
        {"items": [{"name": "A"}, {"upc": {"type": "EAN", "code": "123456"}}]},
        ["input", "items", "1", "upc", "type"],
    ),
    "UPC's code": (
        {"items": [{"upc": {"type": "UPC-A", "code": "12345"}}]},
        ["input", "items", "0", "upc", "code"],
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(
    gateway: Gateway, providers: Providers, tracker: Data, name: str
) -> None:
    changes, path = BAD[name]
    assert errors_of(await written(gateway, CREATE, tracker | changes)) == [("BAD_USER_INPUT", path)]
    assert providers.calls() == {}


async def test_a_change_of_nothing_is_refused(gateway: Gateway, providers: Providers, tracker: Data) -> None:
    made = (await written(gateway, CREATE, tracker))["tracker"]
    providers.forget_calls()
    assert errors_of(await written(gateway, UPDATE, {"trackingId": made["id"]})) == [("BAD_USER_INPUT", ["input"])]
    assert errors_of(await written(gateway, CANCEL, {"trackingId": "x"})) == [("BAD_ID", ["input", "trackingId"])]
    assert providers.calls() == {}


@pytest.mark.parametrize(("fault", "code"), [(DOWN, "PROVIDER_UNAVAILABLE"), (HANGING, "OUTCOME_UNKNOWN")])
async def test_a_failure_is_no_user_error(
    gateway: Gateway, providers: Providers, tracker: Data, fault: Fault, code: str
) -> None:
    await written(gateway, CREATE, tracker)  # PayPal's token is there from now on
    providers.fail("paypal", fault=fault)
    reply = await gateway.ask(CREATE, input=tracker | {"trackingNumber": "2"})
    assert (reply.data, reply.failures) == ({"createOrderTracker": None}, {"paypal": code})


async def test_a_shop_without_paypal_says_so(open_gateway: OpenGateway, providers: Providers, tracker: Data) -> None:
    async with open_gateway(shops={"demo": {"karla": providers.settings["karla"]}}) as gateway:
        payload = await written(gateway, CREATE, tracker)
    assert errors_of(payload) == [("PROVIDER_NOT_CONFIGURED", ["input"])]


SENT_WITH = """
query ($by: OrderBy!) {
  order(by: $by) { trackings(providers: ["paypal"]) { id trackingNumber carrier { reference name } } }
}"""

LOST_ANSWER = Fault(mode=FaultMode.TRUNCATE, method="POST", path="*/track", count=1)


async def sent_with(gateway: Gateway, made: Data, **by: str | None) -> Data:
    """The tracker `made`, as an order is shown with it now."""
    trackings = (await gateway.data(SENT_WITH, by=by))["order"]["trackings"]
    (tracking,) = [tracking for tracking in trackings if tracking["id"] == made["id"]]
    assert isinstance(tracking, dict)
    return tracking


def posts(providers: Providers) -> int:
    """How often PayPal was asked to add a tracker since `forget_calls`."""
    return sum(call.method == "POST" for call in providers.received("paypal"))


async def arrival(providers: Providers) -> None:
    """Wait until PayPal is asked to add a tracker."""
    async with asyncio.timeout(10):
        while True:
            if posts(providers):
                return
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("carrier", "shown"),
    [
        ({"carrier": "FEDEX"}, {"reference": "FEDEX", "name": None}),
        ({"carrier": "OTHER", "carrierNameOther": "Fiets & Co"}, {"reference": "OTHER", "name": "Fiets & Co"}),
    ],
    ids=["code", "name"],
)
async def test_what_a_tracker_was_sent_with_outlives_the_gateway(
    open_gateway: OpenGateway, order: SimulatedOrder, tracker: Data, carrier: Data, shown: Data
) -> None:
    """PayPal gives back neither number nor carrier; what is kept shows them, from a cache or without one."""
    async with open_gateway() as first:
        made = (await written(first, CREATE, tracker | carrier))["tracker"]
        expected = {"id": made["id"], "trackingNumber": "443844607820", "carrier": shown}
        for _ in range(2):
            assert await sent_with(first, made, paypalOrderId=order.paypal_order_id) == expected
    async with open_gateway() as second:
        await second.link(order)
        for by in ({"paypalOrderId": order.paypal_order_id}, {"orderNumber": order.number}):
            assert await sent_with(second, made, **by) == expected
        found = await second.data(
            'query { order(by: {trackingNumber: "443844607820"}) { orderNumber } }',
        )
    assert found["order"] == {"orderNumber": order.number}


@pytest.mark.parametrize("hours", [0, 7], ids=["at once", "when PayPal has forgotten the request"])
async def test_a_tracker_whose_answer_was_lost_is_not_added_twice(
    gateway: Gateway, providers: Providers, clock: HandClock, order: SimulatedOrder, tracker: Data, hours: int
) -> None:
    keyed = tracker | {"idempotencyKey": "ship-1"}
    before = await ids(gateway, paypalOrderId=order.paypal_order_id)
    providers.fail("paypal", fault=LOST_ANSWER)
    lost = await gateway.ask(CREATE, input=keyed)
    assert lost.failures == {"paypal": "OUTCOME_UNKNOWN"}
    clock.advance(hours * 3600)
    providers.mend("paypal")
    providers.forget_calls()
    payload = await written(gateway, CREATE, keyed)
    assert payload["userErrors"] == []
    assert posts(providers) == 0
    assert {*await ids(gateway, paypalOrderId=order.paypal_order_id)} == {*before, payload["tracker"]["id"]}
    assert (await sent_with(gateway, payload["tracker"], paypalOrderId=order.paypal_order_id))["carrier"] == {
        "reference": "FEDEX",
        "name": None,
    }


async def test_a_tracker_that_never_arrived_is_added(gateway: Gateway, providers: Providers, tracker: Data) -> None:
    keyed = tracker | {"idempotencyKey": "ship-1"}
    await written(gateway, CREATE, tracker | {"trackingNumber": "1"})  # PayPal's token is there from now on
    providers.fail("paypal", fault=HANGING)
    assert (await gateway.ask(CREATE, input=keyed)).failures == {"paypal": "OUTCOME_UNKNOWN"}
    providers.mend("paypal")
    providers.forget_calls()
    payload = await written(gateway, CREATE, keyed)
    assert (payload["userErrors"], posts(providers)) == ([], 1)


async def test_a_client_that_goes_away_leaves_nothing_half_done(
    gateway: Gateway, providers: Providers, order: SimulatedOrder, tracker: Data
) -> None:
    """What PayPal does meanwhile is kept, and what was read before is read anew."""
    by = {"paypalOrderId": order.paypal_order_id}
    before = await ids(gateway, **by)
    providers.forget_calls()
    providers.fail("paypal", fault=Fault(mode=FaultMode.NONE, method="POST", path="*/track", latency_ms=200))
    asked = asyncio.create_task(gateway.ask(CREATE, input=tracker))
    await arrival(providers)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    def is_there(reply: Reply) -> bool:
        assert reply.data is not None
        numbers = [tracking["trackingNumber"] for tracking in reply.data["order"]["trackings"]]
        return len(numbers) == len(before) + 1 and "443844607820" in numbers

    await gateway.ask_until(is_there, SENT_WITH, by=by)
