"""Nothing that a provider documents is lost on the way to the client.

Every leaf of every sample is replaced by a value that occurs nowhere else, the sample is answered to the real adapter,
and one query selects everything that the published schema has: each value must be in the answer. What is left out on
purpose is named below with its reason, and a name there that is not left out any more fails too.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import providers
from gateway.store.database import Database
from tests.gateway.schema.everything import everything
from tests.gateway.schema.gateway import Gateway, gateway_over, json_answer
from tests.gateway.schema.marks import Marks
from tests.providers.test_samples_reach_domain import whole_order

ROOT = Path(providers.__file__).parent

ORDER = f"query ($by: OrderBy!) {{ order(by: $by) {everything('Order')} }}"
ROUTE = f"query ($handle: String!) {{ route(handle: $handle) {everything('Route')} }}"
REGISTER = f"""mutation ($input: CreateInvoiceTrackerInput!) {{ createInvoiceTracker(input: $input) {{
    userErrors {everything("UserError")} tracker {everything("InvoiceTracker", ("Order",))} }} }}"""

Ask = Callable[[Gateway, Any], Awaitable[Any]]
"""Has a provider answer a sample full of marks, and asks the gateway for everything about it."""

CALLED = "names the order in the request; in an answer it is a member of the order"
WRITTEN = "Karla takes it and tells it in no answer"
PAYMENT = "about the payment; the gateway asks PayPal about the shipment"
OPERATIONS = "for those who plan and run the fleet"
TWICE = "said by another member of the same answer too"
AHEAD = "the way still to go; what a client can select is the way that the driver has come"
SHOP = "what the shop attached for itself when it made the order; HyperTrack only hands it back"


@dataclass(frozen=True)
class Case:
    """How a sample is asked for, and which of its members are left out on purpose, each with the reason."""

    ask: Ask
    left_out: Mapping[str, str] = field(default_factory=dict)


async def order(gateway: Gateway, key: str, value: str) -> Any:
    answer = await gateway.ask(ORDER, by={key: value})
    assert answer.get("errors", []) == []
    assert answer["data"]["order"] is not None
    return answer


async def karla_search(gateway: Gateway, body: Any) -> Any:
    gateway.answers["karla"] = json_answer(body)
    return await order(gateway, "orderNumber", body[0]["order_number"])


async def karla_order(gateway: Gateway, body: Any) -> Any:
    return await karla_search(gateway, [{"order_number": "4711", **body}])


async def karla_tracking(gateway: Gateway, body: Any) -> Any:
    return await karla_search(gateway, [{"order_number": "4711", "trackings": [body]}])


async def karla_shipment_sent(gateway: Gateway, body: Any) -> Any:
    """The members of a request as they come back: the address of the page stands below `carrier`."""
    return await karla_tracking(gateway, {**body, "carrier": {"tracking_url": body["tracking_url"]}})


async def karla_order_sent(gateway: Gateway, body: Any) -> Any:
    """The order of a request, and its trackings as they come back: with the number below `carrier`."""
    trackings = [{**each, "carrier": each} for each in body["trackings"]]
    return await karla_order(gateway, {**body["order"], "trackings": trackings})


async def karla_orders_sent(gateway: Gateway, body: Any) -> Any:
    return [await karla_order_sent(gateway, each) for each in body]


async def paypal_order(gateway: Gateway, body: Any) -> Any:
    gateway.answers["paypal"] = json_answer(body)
    return await order(gateway, "paypalOrderId", body["id"])


async def paypal_tracker(gateway: Gateway, body: Any) -> Any:
    gateway.answers["paypal"] = json_answer(body)
    return await order(gateway, "paypalOrderId", "5O190127TN364715T")


async def hypertrack_order(gateway: Gateway, body: Any) -> Any:
    gateway.answers["hypertrack"] = json_answer(body)
    return await order(gateway, "orderHandle", body["order_handle"])


async def hypertrack_route(gateway: Gateway, body: Any) -> Any:
    gateway.answers["hypertrack"] = json_answer(body)
    answer = await gateway.ask(ROUTE, handle=body["route_handle"])
    assert answer["data"]["route"] is not None
    return answer


async def hypertrack_route_sent(gateway: Gateway, body: Any) -> Any:
    """The members of a request as they come back: on each order of the route."""
    of_all = {name: body[name] for name in ("track_mode", "ops_group_handle")}
    orders = [{"status": "planned", **of_all, **each} for each in body["orders"]]
    return await hypertrack_route(gateway, {**body, "route_handle": "R1", "status": "tracking", "orders": orders})


async def billink_created(gateway: Gateway, body: Any) -> Any:
    gateway.answers["billink"] = json_answer(body, 201)
    request = {
        "invoiceNumber": body["invoiceNumber"],
        "carrierCode": "POSTNL",
        "trackAndTrace": body["trackingCode"],
        "media": [{"type": "image/png", "content": "aGVsbG8="}],
    }
    answer = await gateway.ask(REGISTER, input=request)
    assert answer.get("errors", []) == []
    return [answer, await order(gateway, "invoiceNumber", body["invoiceNumber"])]


CASES: Mapping[str, Case] = {
    "karla/search_orders": Case(karla_search),
    "karla/update_order": Case(karla_order),
    "karla/update_shipment": Case(karla_tracking),
    "karla/place_order_request": Case(karla_order),
    "karla/update_order_request": Case(karla_order),
    "karla/update_shipment_request": Case(karla_shipment_sent),
    "karla/upsert_order_request": Case(
        karla_order_sent, {"id": CALLED, "id_type": CALLED, "trackings[].tracking_placed_at": WRITTEN}
    ),
    "karla/fulfill_orders_request": Case(
        karla_orders_sent, {"[].id": CALLED, "[].id_type": CALLED, "[].trackings[].tracking_placed_at": WRITTEN}
    ),
    "paypal/order": Case(
        paypal_order,
        {
            "create_time": PAYMENT,
            "update_time": PAYMENT,
            "intent": PAYMENT,
            "status": PAYMENT,
            "links": PAYMENT,
            "purchase_units[].reference_id": PAYMENT,
            "purchase_units[].amount": PAYMENT,
            "purchase_units[].items": PAYMENT,
            "purchase_units[].payments": PAYMENT,  # its capture's id is told where the tracker says so, see below
            "purchase_units[].shipping.name": PAYMENT,
            "purchase_units[].shipping.address": PAYMENT,
        },
    ),
    "paypal/order_tracker_response": Case(paypal_tracker),
    "hypertrack/order": Case(
        hypertrack_order,
        {
            "estimate.polyline.coordinates[][]": AHEAD,
            "estimate.start_by": OPERATIONS,
            "metadata.customerId": SHOP,
            "plan_mode": OPERATIONS,
            "risk_status": TWICE,  # whether any of `risks` is red
            "timeline[].driver_handle": TWICE,
            "timeline[].fulfillment_attempt": TWICE,
            "timeline[].location.recorded_at": TWICE,
            "timeline[].order_handle": TWICE,
            "timeline[].order_type": TWICE,
            "timeline[].route_handle": TWICE,
            "timezone": OPERATIONS,  # every time has its offset
            "visited_destination": TWICE,  # `arrived_at` says when
        },
    ),
    "hypertrack/route": Case(hypertrack_route),
    "hypertrack/track_orders_response": Case(hypertrack_route),
    "hypertrack/track_orders_request": Case(hypertrack_route_sent),
    "billink/created": Case(billink_created),
}

NO_DATA: Mapping[str, str] = {
    "billink/forbidden": "an error, with the inside of Billink's servers; clients get PROVIDER_AUTH_FAILED",
    "billink/violations": "a refusal; clients get a user error for each violation, which another test proves",
    "hypertrack/errors": "errors; clients get a code of ours for each",
}
"""Samples of which nothing is data."""


def sample(name: str) -> Any:
    provider, _, file = name.partition("/")
    return json.loads((ROOT / provider / "samples" / f"{file}.json").read_text())


@pytest.fixture
async def gateway(database: Database) -> AsyncIterator[Gateway]:
    async with gateway_over(database) as opened:
        yield opened


def test_every_sample_is_walked_or_named() -> None:
    files = {f"{path.parts[-3]}/{path.stem}" for path in ROOT.glob("*/samples/*.json")}
    assert files == {*CASES, *NO_DATA}
    assert set(CASES) & set(NO_DATA) == set()


def named_in(left_out: Mapping[str, str], path: str) -> str:
    """The name that stands for `path` and all beside it below the same member; `path` itself where none does."""
    return next((name for name in left_out if path == name or path.startswith((f"{name}.", f"{name}["))), path)


@pytest.mark.parametrize("name", CASES)
async def test_every_member_of_a_sample_can_be_selected(gateway: Gateway, name: str) -> None:
    case, marks = CASES[name], Marks()
    answer = await case.ask(gateway, marks.put_into(sample(name)))
    assert marks.placed
    assert {named_in(case.left_out, path) for path in marks.missing_in(answer)} == set(case.left_out)


async def test_every_member_that_only_karlas_tables_list_can_be_selected(gateway: Gateway) -> None:
    """The reference's samples show few optional members: here is an order with all that its tables list."""
    marks = Marks()
    answer = await karla_order(gateway, marks.put_into(whole_order()))
    assert marks.missing_in(answer) == set()


async def test_the_capture_that_a_paypal_tracker_is_on_is_told_where_its_id_says_so(gateway: Gateway) -> None:
    answer = await paypal_order(gateway, sample("paypal/order"))
    trackings = answer["data"]["order"]["trackings"]
    assert {tracking["captureId"] for tracking in trackings} == {"8MC585209K746392H"}


async def test_each_violation_of_billinks_is_a_user_error_at_the_input_it_concerns(gateway: Gateway) -> None:
    gateway.answers["billink"] = json_answer(sample("billink/violations"), 422)
    media = [{"type": "image/png", "content": "aGVsbG8="}]
    request = {"invoiceNumber": "1001", "carrierCode": "X", "trackAndTrace": "3SABCD", "media": media}
    answer = await gateway.ask(REGISTER, input=request)
    payload = answer["data"]["createInvoiceTracker"]
    assert payload["tracker"] is None
    assert [(error["path"], error["providerCode"]) for error in payload["userErrors"]] == [
        (["input", "carrierCode"], "de1e3db3-5ed4-4941-aae4-59f3667cc3a3"),
        (["input", "invoiceNumber"], "c1051bb4-d103-4f74-8988-acbcafc7fdc3"),
        (["input", "trackAndTrace"], "d94b19cc-114f-4f44-9cc4-4138e80a87b9"),
        (["input", "media", "0", "content"], None),
    ]
    assert {error["code"] for error in payload["userErrors"]} == {"PROVIDER_REJECTED"}
    assert "valid" not in json.dumps(answer), "a provider's own text never reaches a client"


async def test_of_billinks_errors_clients_get_a_code_of_ours_and_nothing_else(gateway: Gateway) -> None:
    gateway.answers["billink"] = json_answer(sample("billink/forbidden"), 403)
    request = {"invoiceNumber": "1001", "carrierCode": "X", "trackAndTrace": "3SABCD"}
    answer = await gateway.ask(REGISTER, input=request)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "PROVIDER_AUTH_FAILED"
    assert "ClientVoter" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("status", "code"), [("401", "PROVIDER_AUTH_FAILED"), ("404", None), ("422", "PROVIDER_REJECTED")]
)
async def test_of_hypertracks_errors_clients_get_a_code_of_ours(
    gateway: Gateway, status: str, code: str | None
) -> None:
    gateway.answers["hypertrack"] = json_answer(sample("hypertrack/errors")[status], int(status))
    answer = await gateway.ask(ROUTE, handle="R1")
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert (answer["data"]["route"], codes) == (None, [code] if code else [])
