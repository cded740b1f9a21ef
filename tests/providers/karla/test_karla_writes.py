"""Claims about what the Karla adapter makes of the answers to its writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from pydantic import JsonValue

from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    RequestRejected,
    Violation,
    as_write_failure,
)
from providers.karla.adapter import KarlaAdapter
from tests.providers.karla.drafts import ORDER, ORDER_CHANGE, SHIPMENT_CHANGE, UPSERT

ORDER_ID = "b4fadda9-61f4-4041-94d2-7a01ee0082b4"
SHIPMENT_ID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"

Write = Callable[[KarlaAdapter], Awaitable[object]]

WRITES: Mapping[str, Write] = {
    "place_order": lambda adapter: adapter.place_order(ORDER),
    "upsert_order": lambda adapter: adapter.upsert_order(UPSERT),
    "fulfill_orders": lambda adapter: adapter.fulfill_orders((UPSERT, UPSERT)),
    "update_order": lambda adapter: adapter.update_order(ORDER_ID, ORDER_CHANGE),
    "update_shipment": lambda adapter: adapter.update_shipment(ORDER_ID, SHIPMENT_ID, SHIPMENT_CHANGE),
}
TO_WHAT_IS_THERE = ("upsert_order", "fulfill_orders", "update_order", "update_shipment")


def karlas(key: JsonValue, *errors: JsonValue) -> JsonValue:
    """The body of the vendor's page on errors."""
    return {"errors": [*errors], "key": key, "message": "secret-text", "type": "invalid_request_error"}


def fastapis(*detail: JsonValue) -> JsonValue:
    return {"detail": [*detail]}


def found_at(*loc: str | int, type_: JsonValue = "missing") -> JsonValue:
    return {"loc": [*loc], "msg": "secret-text", "type": type_}


async def refused(karla: Any, adapter: KarlaAdapter, operation: str, status: int, body: JsonValue) -> ProviderError:
    karla.answer(body, status)
    with pytest.raises(ProviderError) as caught:
        await WRITES[operation](adapter)
    assert caught.value.operation == operation
    assert "secret-text" not in f"{caught.value} {vars(caught.value)}"
    return caught.value


@pytest.mark.parametrize(
    ("operation", "status", "body", "code", "violations"),
    [
        ("place_order", 409, karlas("order_exists"), "order_exists", ()),
        ("place_order", 400, karlas("order_exists"), "order_exists", ()),
        ("place_order", 422, karlas("order_exists"), "order_exists", ()),
        ("place_order", 404, karlas("order_exists"), "order_exists", ()),
        ("upsert_order", 409, karlas("shipment_exists"), "shipment_exists", ()),
        (
            "place_order",
            422,
            karlas("zip_code_invalid", found_at("body", "address", "zip_code", type_="zip_code_invalid")),
            "zip_code_invalid",
            (Violation(("address", "zip_code"), "zip_code_invalid"),),
        ),
        (
            "upsert_order",
            422,
            karlas("carrier_reference_invalid", found_at("body", "trackings", 0, "carrier_reference", type_=None)),
            "carrier_reference_invalid",
            (Violation(("trackings", "0", "carrier_reference")),),
        ),
        (
            "fulfill_orders",
            422,
            fastapis(found_at("body", 1, "order", "products", 0, "title"), found_at("body", 0, "trackings")),
            "missing",
            (Violation(("1", "order", "products", "0", "title"), "missing"), Violation(("0", "trackings"), "missing")),
        ),
        (
            "update_order",
            422,
            fastapis(found_at("body", "expected_number_of_shipments", type_="less_than_equal")),
            "less_than_equal",
            (Violation(("expected_shipments",), "less_than_equal"),),
        ),
        ("update_order", 422, fastapis(found_at("path", "order_id")), "missing", (Violation((), "missing"),)),
        (
            "update_shipment",
            400,
            karlas("bad_request", found_at("body", "products", 2, "quantity", type_="a sentence, no code")),
            "bad_request",
            (Violation(("products", "2", "quantity")),),
        ),
        # Violations in a shape of their own cost themselves and not the key:
        ("place_order", 422, {"errors": "secret-text", "key": "zip_code_invalid"}, "zip_code_invalid", ()),
        ("place_order", 422, {"errors": [7], "key": "zip_code_invalid"}, "zip_code_invalid", ()),
        ("place_order", 422, {"errors": None, "key": "zip_code_invalid"}, "zip_code_invalid", ()),
        ("place_order", 422, karlas("zip_code_invalid", {}), "zip_code_invalid", (Violation(()),)),
        ("place_order", 422, karlas("x y z", {"loc": "address"}), None, (Violation(("address",)),)),
        ("place_order", 422, fastapis(), None, ()),
        ("place_order", 422, {"detail": "secret-text"}, None, ()),
        ("place_order", 400, "oops", None, ()),
        ("place_order", 409, "oops", None, ()),
        # The shop is ours to name, and a new order cannot be missing:
        ("upsert_order", 404, karlas("shop_not_found"), "shop_not_found", ()),
        ("place_order", 404, karlas("order_not_found"), "order_not_found", ()),
        ("place_order", 404, "oops", None, ()),
    ],
)
async def test_a_refusal_says_what_is_wrong_and_where_in_our_draft(
    adapter: KarlaAdapter,
    karla: Any,
    operation: str,
    status: int,
    body: JsonValue,
    code: str | None,
    violations: tuple[Violation, ...],
) -> None:
    error = await refused(karla, adapter, operation, status, body)
    assert isinstance(error, RequestRejected)
    assert (error.provider_code, error.violations) == (code, violations)


@pytest.mark.parametrize("operation", TO_WHAT_IS_THERE)
@pytest.mark.parametrize("key", ["order_not_found", "shipment_not_found"])
@pytest.mark.parametrize("status", [400, 404, 409, 422])
async def test_a_key_that_ends_in_not_found_means_the_order_or_parcel(
    adapter: KarlaAdapter, karla: Any, operation: str, key: str, status: int
) -> None:
    error = await refused(karla, adapter, operation, status, karlas(key))
    assert isinstance(error, OrderNotFound)


@pytest.mark.parametrize("operation", TO_WHAT_IS_THERE)
async def test_a_bare_404_means_the_order_or_parcel(adapter: KarlaAdapter, karla: Any, operation: str) -> None:
    assert isinstance(await refused(karla, adapter, operation, 404, "oops"), OrderNotFound)


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, ProviderAuthFailed), (403, ProviderAuthFailed), (429, ProviderRateLimited), (500, ProviderServerFailed)],
)
async def test_what_is_no_refusal_of_the_request_keeps_its_own_class(
    adapter: KarlaAdapter, karla: Any, operation: str, status: int, expected: type[ProviderError]
) -> None:
    """A key is `viewer` without the right to write, the server is busy, or has failed: whatever the body says."""
    error = await refused(karla, adapter, operation, status, karlas("order_not_found"))
    assert type(error) is expected


@pytest.mark.parametrize("operation", ["place_order", "upsert_order", "fulfill_orders"])
@pytest.mark.parametrize("body", [None, {}, {"uuid": ORDER_ID}, [], "done"])
async def test_a_write_that_answers_nothing_is_done_whatever_json_comes(
    adapter: KarlaAdapter, karla: Any, operation: str, body: JsonValue
) -> None:
    karla.answer(body)
    assert await WRITES[operation](adapter) is None


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>"])
async def test_a_success_that_is_no_json_leaves_the_outcome_unknown(
    adapter: KarlaAdapter, karla: Any, operation: str, body: bytes
) -> None:
    """A proxy's page with 200 proves nothing about Karla."""
    karla.body = body
    with pytest.raises(InvalidProviderResponse) as caught:
        await WRITES[operation](adapter)
    assert isinstance(as_write_failure(caught.value), OutcomeUnknown)


async def test_an_updated_order_without_any_name_is_not_passed_on(adapter: KarlaAdapter, karla: Any) -> None:
    karla.answer({"weight": 1000})
    with pytest.raises(InvalidProviderResponse) as caught:
        await adapter.update_order(ORDER_ID, ORDER_CHANGE)
    assert caught.value.reason == "nameless_order"


@pytest.mark.parametrize("text", ["", "1234", "..", "../../shops/other", ORDER_ID + "/x"])
async def test_an_id_that_is_no_uuid_is_nobodys_and_reaches_no_path(
    adapter: KarlaAdapter, karla: Any, text: str
) -> None:
    for write in (
        adapter.update_order(text, ORDER_CHANGE),
        adapter.update_shipment(text, SHIPMENT_ID, SHIPMENT_CHANGE),
        adapter.update_shipment(ORDER_ID, text, SHIPMENT_CHANGE),
    ):
        with pytest.raises(OrderNotFound):
            await write
    assert karla.requests == []


async def test_a_write_is_sent_once(adapter: KarlaAdapter, karla: Any) -> None:
    for operation in WRITES:
        karla.requests.clear()
        await refused(karla, adapter, operation, 503, "oops")
        assert len(karla.requests) == 1
