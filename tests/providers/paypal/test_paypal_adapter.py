"""Claims about what the PayPal adapter sends and what it makes of each answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from providers.base import TrackingSource
from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    RequestRejected,
)
from providers.models import Link, OrderTracker, Reference, TrackerItem, TrackingStatus, Upc
from providers.paypal import PAYPAL
from providers.paypal.adapter import PayPalAdapter

ORDER_ID = "5O190127TN364715T"


def order(value: str = ORDER_ID) -> Reference:
    return Reference(provider="paypal", kind="paypal_order_id", value=value)


def test_the_adapter_keeps_the_protocol_of_its_capability(adapter: PayPalAdapter) -> None:
    assert isinstance(adapter, TrackingSource)
    assert adapter.profile is PAYPAL.profile


def test_every_setting_is_described() -> None:
    assert all(field.description for field in PAYPAL.settings.model_fields.values())


async def test_trackers_are_read_from_their_order(adapter: PayPalAdapter, paypal: Any) -> None:
    await adapter.find_trackings(order())
    (request,) = paypal.requests
    assert (request.method, str(request.url)) == ("GET", f"https://api-m.paypal.com/v2/checkout/orders/{ORDER_ID}")
    assert request.headers["authorization"] == "Bearer token-1"


async def test_an_order_id_cannot_leave_its_place_in_the_path(adapter: PayPalAdapter, paypal: Any) -> None:
    await adapter.find_trackings(order("A/../B?c"))
    assert paypal.requests[0].url.raw_path == b"/v2/checkout/orders/A%2F%2E%2E%2FB%3Fc"


async def test_the_orders_trackers_come_oldest_first(
    adapter: PayPalAdapter, paypal: Any, sample: Callable[[str], bytes]
) -> None:
    paypal.body = sample("order")
    found = await adapter.find_trackings(order())
    url = f"https://api-m.paypal.com/v2/checkout/orders/{ORDER_ID}"
    assert found.references == ()
    assert found.trackings[0] == OrderTracker(
        provider="paypal",
        tracker_id="8MC585209K746392H443844607820",
        paypal_order_id=ORDER_ID,
        capture_id="8MC585209K746392H",
        status=TrackingStatus.INFO_RECEIVED,
        provider_status="SHIPPED",
        created_at=datetime(2025, 6, 3, 9, 30, tzinfo=UTC),
        updated_at=datetime(2025, 6, 3, 9, 30, tzinfo=UTC),
        items=(
            TrackerItem(
                name="T-Shirt",
                quantity="1",
                sku="sku02",
                url="https://www.example.com/products/t-shirt",
                image_url="https://www.example.com/images/t-shirt.jpg",
                upc=Upc(type="UPC-A", code="001004697"),
            ),
        ),
        links=(
            Link(href=url, rel="up", method="GET"),
            Link(href=f"{url}/trackers/8MC585209K746392H443844607820", rel="update", method="PATCH"),
        ),
    )
    assert [tracking.status.value for tracking in found.trackings] == ["INFO_RECEIVED", "CANCELLED"]


async def test_a_tracker_that_comes_alone_is_read_placeholders_and_all(
    adapter: PayPalAdapter, paypal: Any, sample: Callable[[str], bytes]
) -> None:
    """The SDK's example fills its members with words such as "create_time8", which state nothing."""
    paypal.body = sample("order_tracker_response")
    (tracker,) = (await adapter.find_trackings(order())).trackings
    item = TrackerItem(name="name8", quantity="quantity4", sku="sku6")
    assert tracker == OrderTracker(
        provider="paypal",
        tracker_id="id2",
        paypal_order_id=ORDER_ID,
        status=TrackingStatus.CANCELLED,
        provider_status="CANCELLED",
        items=(item, item),
        links=(Link(rel="rel0", method="HEAD"),) * 3,
    )


@pytest.mark.parametrize(
    "units",
    [
        [],
        [{}],
        [{"shipping": None}],
        [{"shipping": {"name": {"full_name": "Jane Doe"}}}],
        [{"shipping": {"trackers": []}}],
        [{"shipping": {"trackers": None}, "payments": {"captures": None}}],
    ],
)
async def test_an_order_without_trackers_has_none(adapter: PayPalAdapter, paypal: Any, units: JsonValue) -> None:
    paypal.answer({"id": ORDER_ID, "purchase_units": units})
    assert (await adapter.find_trackings(order())).trackings == ()


async def test_trackers_of_every_purchase_unit_are_read(adapter: PayPalAdapter, paypal: Any) -> None:
    paypal.answer({"purchase_units": [{"shipping": {"trackers": [{"id": name}]}} for name in ("A", "B")]})
    found = await adapter.find_trackings(order())
    assert [tracking.tracker_id for tracking in found.trackings if isinstance(tracking, OrderTracker)] == ["A", "B"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html></html>",
        b'{"purchase_units": [',
        b'{"purchase_units": null}',
        b'{"purchase_units": [null]}',
        b'{"purchase_units": [{"shipping": {"trackers": [{"status": "SHIPPED"}]}}]}',
        b'{"purchase_units": [{"shipping": {"trackers": [{"id": "A", "items": [5]}]}}]}',
        b'{"id": "5O190127TN364715T", "intent": "CAPTURE", "status": "COMPLETED"}',
        b'{"id": "5O190127TN364715T", "status": "COMPLETED", "links": []}',
    ],
)
async def test_an_answer_that_says_nothing_of_trackers_is_no_answer(
    adapter: PayPalAdapter, paypal: Any, body: bytes
) -> None:
    paypal.body = body
    with pytest.raises(InvalidProviderResponse):
        await adapter.find_trackings(order())


def error_body(name: str, *issues: str) -> JsonValue:
    return {
        "name": name,
        "message": "secret-text",
        "debug_id": "90957fca61718",
        "details": [{"issue": i} for i in issues],
    }


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, error_body("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), OrderNotFound),
        (404, "oops", OrderNotFound),
        (422, error_body("RESOURCE_NOT_FOUND"), OrderNotFound),
        (400, error_body("INVALID_REQUEST"), RequestRejected),
        (403, error_body("NOT_AUTHORIZED", "PERMISSION_DENIED"), ProviderAuthFailed),
        (409, error_body("RESOURCE_CONFLICT"), RequestRejected),
        (415, error_body("UNSUPPORTED_MEDIA_TYPE"), RequestRejected),
        (422, error_body("UNPROCESSABLE_ENTITY"), RequestRejected),
        (429, error_body("RATE_LIMIT_REACHED"), ProviderRateLimited),
        (500, error_body("INTERNAL_SERVER_ERROR"), ProviderServerFailed),
        (503, error_body("RESOURCE_NOT_FOUND"), ProviderServerFailed),
    ],
)
async def test_a_refusal_becomes_exactly_one_error(
    adapter: PayPalAdapter, paypal: Any, status: int, body: JsonValue, expected: type[ProviderError]
) -> None:
    paypal.answer(body, status)
    with pytest.raises(ProviderError) as caught:
        await adapter.find_trackings(order())
    assert type(caught.value) is expected
    assert "secret-text" not in str(caught.value)
    assert len(paypal.token_requests) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (error_body("INVALID_REQUEST", "INVALID_PARAMETER_VALUE", "OTHER"), "INVALID_PARAMETER_VALUE"),
        (error_body("INVALID_REQUEST"), "INVALID_REQUEST"),
        ({"name": "<b>free text</b>"}, None),
        ("oops", None),
    ],
)
async def test_a_rejection_hands_on_paypals_fixed_word_and_no_other_text(
    adapter: PayPalAdapter, paypal: Any, body: JsonValue, code: str | None
) -> None:
    paypal.answer(body, 400)
    with pytest.raises(RequestRejected) as caught:
        await adapter.find_trackings(order())
    assert caught.value.provider_code == code


async def test_a_tracker_that_comes_alone_says_nothing_of_captures(
    adapter: PayPalAdapter, paypal: Any, sample: Callable[[str], bytes]
) -> None:
    paypal.body = sample("order_tracker_response")
    with pytest.raises(InvalidProviderResponse):
        await adapter.find_captures(ORDER_ID)


async def test_the_captures_of_another_order_are_not_taken(adapter: PayPalAdapter, paypal: Any) -> None:
    paypal.answer({"id": "ANOTHERORDER", "purchase_units": [{"payments": {"captures": [{"id": "C1"}]}}]})
    with pytest.raises(OrderNotFound):
        await adapter.find_captures(ORDER_ID)
