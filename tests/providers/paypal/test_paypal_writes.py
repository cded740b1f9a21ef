"""Claims about what the PayPal adapter sends when it writes, and what it makes of each answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from providers.base import OrderTrackerSink
from providers.drafts import OrderTrackerDraft
from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderUnavailable,
    RequestRejected,
    Violation,
    as_write_failure,
)
from providers.models import Carrier, TrackerItem, Upc
from providers.paypal.adapter import PayPalAdapter
from providers.paypal.refusals import FIELD_BY_ISSUE, FIELD_BY_POINTER

ORDER_ID = "5O190127TN364715T"
CAPTURE_ID = "8MC585209K746392H"
NUMBER = "4438-4460 7820"
DRAFT = OrderTrackerDraft(paypal_order_id=ORDER_ID, capture_id=CAPTURE_ID, tracking_number=NUMBER, carrier="DE_DHL")
ITEMS = (TrackerItem(name="T-Shirt", quantity="1", sku="sku02"),)


def envelope(*trackers: JsonValue, order_id: str | None = ORDER_ID) -> JsonValue:
    return {"id": order_id, "purchase_units": [{"shipping": {"trackers": list(trackers)}}]}


def tracker(tracker_id: str, create_time: str | None = None) -> JsonValue:
    return {"id": tracker_id, "status": "SHIPPED", "create_time": create_time}


def sent_body(paypal: Any) -> JsonValue:
    body: JsonValue = json.loads(paypal.requests[-1].content)
    return body


def test_the_adapter_keeps_the_protocol_of_its_capability(adapter: PayPalAdapter) -> None:
    assert isinstance(adapter, OrderTrackerSink)


class TestAdding:
    async def test_what_the_draft_leaves_open_is_not_sent(self, adapter: PayPalAdapter, paypal: Any) -> None:
        paypal.answer(tracker("T1"), 201)
        await adapter.track_order(OrderTrackerDraft(paypal_order_id=ORDER_ID, capture_id=CAPTURE_ID), "key-1")
        assert sent_body(paypal) == {"capture_id": CAPTURE_ID, "notify_payer": False}

    async def test_an_empty_list_of_items_is_sent(self, adapter: PayPalAdapter, paypal: Any) -> None:
        paypal.answer(tracker("T1"), 201)
        await adapter.track_order(DRAFT.model_copy(update={"items": ()}), "key-1")
        assert sent_body(paypal) == {
            "capture_id": CAPTURE_ID,
            "tracking_number": NUMBER,
            "carrier": "DE_DHL",
            "notify_payer": False,
            "items": [],
        }

    async def test_an_item_is_sent_with_every_member_it_has(self, adapter: PayPalAdapter, paypal: Any) -> None:
        paypal.answer(tracker("T1"), 201)
        item = TrackerItem(sku="sku02", upc=Upc(type="UPC-A", code="001004697"))
        await adapter.track_order(DRAFT.model_copy(update={"items": (item,)}), "key-1")
        body = sent_body(paypal)
        assert isinstance(body, dict)
        assert body["items"] == [{"sku": "sku02", "upc": {"type": "UPC-A", "code": "001004697"}}]

    @pytest.mark.parametrize("status", [200, 201])
    async def test_a_first_and_a_repeated_call_are_answered_alike(
        self, adapter: PayPalAdapter, paypal: Any, status: int
    ) -> None:
        paypal.answer(envelope(tracker(f"{CAPTURE_ID}443844607820")), status)
        added = await adapter.track_order(DRAFT, "key-1")
        assert (added.tracker_id, added.capture_id, added.tracking_number, added.carrier) == (
            f"{CAPTURE_ID}443844607820",
            CAPTURE_ID,
            NUMBER,
            Carrier(reference="DE_DHL"),
        )
        assert paypal.requests[0].headers["paypal-request-id"] == "key-1"

    @pytest.mark.parametrize(
        ("trackers", "picked"),
        [
            pytest.param(
                [
                    tracker(f"{CAPTURE_ID}443844607820", "2025-06-01T00:00:00Z"),
                    tracker(f"{CAPTURE_ID}1", "2025-06-02T00:00:00Z"),
                ],
                f"{CAPTURE_ID}443844607820",
                id="the_id_made_of_capture_and_number",
            ),
            pytest.param(
                [tracker("OTHER443844607820", "2025-06-02T00:00:00Z"), tracker(f"{CAPTURE_ID}1", None)],
                f"{CAPTURE_ID}1",
                id="one_on_the_same_capture",
            ),
            pytest.param(
                [tracker("A", "2025-06-01T00:00:00Z"), tracker("B", "2025-06-02T00:00:00Z"), tracker("C", "then")],
                "B",
                id="the_newest",
            ),
            pytest.param([tracker("A"), tracker("B")], "B", id="the_last_where_none_has_a_time"),
        ],
    )
    async def test_the_tracker_that_was_added_is_found_among_the_orders_others(
        self, adapter: PayPalAdapter, paypal: Any, trackers: list[JsonValue], picked: str
    ) -> None:
        paypal.answer(envelope(*trackers), 201)
        assert (await adapter.track_order(DRAFT, "key-1")).tracker_id == picked

    @pytest.mark.parametrize(
        "body",
        [envelope(), envelope(tracker("A"), order_id="ANOTHERORDER"), {"id": ORDER_ID, "status": "COMPLETED"}],
        ids=["no_tracker", "another_order", "an_order_cut_short"],
    )
    async def test_an_answer_without_the_tracker_leaves_the_outcome_unknown(
        self, adapter: PayPalAdapter, paypal: Any, body: JsonValue
    ) -> None:
        paypal.answer(body, 201)
        with pytest.raises(InvalidProviderResponse) as caught:
            await adapter.track_order(DRAFT, "key-1")
        assert isinstance(as_write_failure(caught.value), OutcomeUnknown)

    @pytest.mark.parametrize("request_id", ["", "k" * 109, "a b", "clé", "a\r\nX-Evil: 1"])
    async def test_a_key_that_no_header_carries_is_refused_without_a_call(
        self, adapter: PayPalAdapter, paypal: Any, request_id: str
    ) -> None:
        with pytest.raises(RequestRejected) as caught:
            await adapter.track_order(DRAFT, request_id)
        assert caught.value.violations == (Violation(("request_id",)),)
        assert paypal.requests == []


class TestChanging:
    async def test_only_what_is_to_change_is_sent(self, adapter: PayPalAdapter, paypal: Any) -> None:
        paypal.status = 204
        await adapter.change_tracker(ORDER_ID, "T1", (), None)
        assert sent_body(paypal) == [{"op": "replace", "path": "/items", "value": []}]
        await adapter.change_tracker(ORDER_ID, "T1", None, notify_payer=True)
        assert sent_body(paypal) == [{"op": "replace", "path": "/notify_payer", "value": True}]

    async def test_nothing_to_change_makes_no_call(self, adapter: PayPalAdapter, paypal: Any) -> None:
        await adapter.change_tracker(ORDER_ID, "T1", None, None)
        assert paypal.requests == []

    async def test_a_tracker_id_cannot_address_anything_else(self, adapter: PayPalAdapter, paypal: Any) -> None:
        paypal.status = 204
        await adapter.cancel_tracker(ORDER_ID, "..")
        assert paypal.requests[0].url.raw_path == f"/v2/checkout/orders/{ORDER_ID}/trackers/%2E%2E".encode()


def refusal(name: str, *details: JsonValue) -> JsonValue:
    return {"name": name, "message": "secret-text", "debug_id": "90957fca61718", "details": list(details)}


def detail(issue: str, field: str | None = None) -> JsonValue:
    return {"issue": issue, "field": field, "location": "body", "description": "secret-text", "value": "secret-text"}


async def refused(adapter: PayPalAdapter, paypal: Any, status: int, body: JsonValue) -> ProviderError:
    paypal.answer(body, status)
    with pytest.raises(ProviderError) as caught:
        await adapter.track_order(DRAFT, "key-1")
    assert "secret-text" not in f"{caught.value!r} {vars(caught.value)}"
    return caught.value


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (400, refusal("INVALID_REQUEST", detail("INVALID_STRING_LENGTH")), RequestRejected),
            (403, refusal("NOT_AUTHORIZED", detail("PERMISSION_DENIED")), RequestRejected),
            (403, refusal("NOT_AUTHORIZED"), ProviderAuthFailed),
            (403, "oops", ProviderAuthFailed),
            (404, refusal("RESOURCE_NOT_FOUND", detail("INVALID_RESOURCE_ID")), OrderNotFound),
            (404, refusal("RESOURCE_NOT_FOUND", detail("TRACKER_ID_NOT_FOUND")), OrderNotFound),
            (409, refusal("RESOURCE_CONFLICT"), RequestRejected),
            (415, refusal("UNSUPPORTED_MEDIA_TYPE"), RequestRejected),
            (422, refusal("UNPROCESSABLE_ENTITY", detail("CAPTURE_ID_NOT_FOUND")), RequestRejected),
            (429, refusal("RATE_LIMIT_REACHED"), ProviderRateLimited),
            (500, refusal("INTERNAL_SERVER_ERROR"), ProviderServerFailed),
        ],
    )
    async def test_a_refusal_becomes_exactly_one_error(
        self, adapter: PayPalAdapter, paypal: Any, status: int, body: JsonValue, expected: type[ProviderError]
    ) -> None:
        assert type(await refused(adapter, paypal, status, body)) is expected

    async def test_an_order_that_this_account_may_not_touch_says_so(self, adapter: PayPalAdapter, paypal: Any) -> None:
        error = await refused(adapter, paypal, 403, refusal("NOT_AUTHORIZED", detail("PERMISSION_DENIED")))
        assert isinstance(error, RequestRejected)
        assert error.provider_code == "PERMISSION_DENIED"

    @pytest.mark.parametrize(
        ("pointer", "field"),
        [
            *((pointer, field) for pointer, field in FIELD_BY_POINTER.items() if "#" not in pointer),
            ("/items/0", ("items", "0")),
            ("/items/12/sku", ("items", "12", "sku")),
            ("/items/3/upc/code", ("items", "3", "upc", "code")),
            ("/payer/secret-text", ()),
            ("/items/secret-text/sku", ()),
            ("secret-text", ()),
            (None, ()),
        ],
    )
    async def test_a_pointer_leads_into_our_draft_or_nowhere(
        self, adapter: PayPalAdapter, paypal: Any, pointer: str | None, field: tuple[str, ...]
    ) -> None:
        body = refusal("INVALID_REQUEST", detail("INVALID_STRING_LENGTH", pointer))
        error = await refused(adapter, paypal, 400, body)
        assert isinstance(error, RequestRejected)
        assert error.violations == (Violation(field, "INVALID_STRING_LENGTH"),)

    @pytest.mark.parametrize(("issue", "field"), FIELD_BY_ISSUE.items())
    async def test_an_issue_without_a_pointer_says_what_it_is_about(
        self, adapter: PayPalAdapter, paypal: Any, issue: str, field: tuple[str, ...]
    ) -> None:
        error = await refused(adapter, paypal, 422, refusal("UNPROCESSABLE_ENTITY", detail(issue)))
        assert isinstance(error, RequestRejected)
        assert (error.provider_code, error.violations) == (issue, (Violation(field, issue),))

    async def test_a_pointer_into_the_patch_leads_to_what_it_changes(self, adapter: PayPalAdapter, paypal: Any) -> None:
        pointers = ("/0/value/0/sku", "/1/value", "/items/0/sku", "/2/value", "/0/op")
        paypal.answer(refusal("INVALID_REQUEST", *(detail("SOME_ISSUE", pointer) for pointer in pointers)), 400)
        with pytest.raises(RequestRejected) as caught:
            await adapter.change_tracker(ORDER_ID, "T1", ITEMS, notify_payer=True)
        assert [violation.field for violation in caught.value.violations] == [
            ("items", "0", "sku"),
            ("notify_payer",),
            ("items", "0", "sku"),
            (),
            (),
        ]


class TestTokens:
    async def test_a_refused_token_is_replaced_and_the_write_sent_again(
        self, adapter: PayPalAdapter, paypal: Any
    ) -> None:
        paypal.answer(tracker("T1"), 201)
        paypal.refuse(1)
        await adapter.track_order(DRAFT, "key-1")
        first, second = paypal.requests
        assert first.content == second.content
        assert [each.headers["paypal-request-id"] for each in paypal.requests] == ["key-1", "key-1"]
        assert len(paypal.token_requests) == 2

    async def test_a_second_refusal_is_final(self, adapter: PayPalAdapter, paypal: Any) -> None:
        paypal.answer(refusal("AUTHENTICATION_FAILURE"), 401)
        with pytest.raises(ProviderAuthFailed):
            await adapter.cancel_tracker(ORDER_ID, "T1")
        assert (len(paypal.requests), len(paypal.token_requests)) == (2, 2)

    @pytest.mark.parametrize(
        "token_answer",
        [
            httpx.ReadTimeout("no answer"),
            httpx.ReadError("reset"),
            httpx.Response(500),
            httpx.Response(200, content=b"<html></html>"),
        ],
        ids=["time_out", "reset", "failed", "not_json"],
    )
    async def test_without_a_token_nothing_was_sent_and_the_write_may_be_repeated(
        self, adapter: PayPalAdapter, paypal: Any, token_answer: httpx.Response | Exception
    ) -> None:
        paypal.token_answer = token_answer
        with pytest.raises(ProviderConnectionFailed) as caught:
            await adapter.cancel_tracker(ORDER_ID, "T1")
        assert (caught.value.operation, caught.value.sent) == ("cancel_tracker", False)
        assert type(as_write_failure(caught.value)) is ProviderUnavailable
        assert paypal.requests == []
