"""Claims about what PayPal's JSON means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.models import OrderTracker, TrackingStatus
from providers.paypal.mapping import STATUS_BY_WORD, to_tracker, to_trackers
from providers.paypal.wire import ORDER_ANSWER, WireTracker

PUBLISHED_WORDS = [
    "CANCELLED",
    "DELIVERED",
    "LOCAL_PICKUP",
    "ON_HOLD",
    "SHIPPED",
    "SHIPMENT_CREATED",
    "DROPPED_OFF",
    "IN_TRANSIT",
    "RETURNED",
    "LABEL_PRINTED",
    "ERROR",
    "UNCONFIRMED",
    "PICKUP_FAILED",
    "DELIVERY_DELAYED",
    "DELIVERY_SCHEDULED",
    "DELIVERY_FAILED",
    "INRETURN",
    "IN_PROCESS",
    "NEW",
    "VOID",
    "PROCESSED",
    "NOT_SHIPPED",
    "COMPLETED",
]
"""`shipment_tracking_status` of PayPal's Orders v2 OpenAPI 2.13, in its order."""


def tracker(**members: Any) -> OrderTracker:
    return to_tracker(WireTracker.model_validate({"id": "T1", **members}), "ORDER1")


def trackers(*members: dict[str, Any], captures: tuple[str, ...] = ()) -> tuple[OrderTracker, ...]:
    unit = {"shipping": {"trackers": members}, "payments": {"captures": [{"id": capture} for capture in captures]}}
    return to_trackers(ORDER_ANSWER.validate_json(json.dumps({"purchase_units": [unit]})), "ORDER1")


def test_every_word_that_paypal_publishes_has_its_status() -> None:
    assert sorted(STATUS_BY_WORD) == sorted(PUBLISHED_WORDS)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SHIPPED", "INFO_RECEIVED"),
        ("CANCELLED", "CANCELLED"),
        ("VOID", "CANCELLED"),
        ("DELIVERED", "DELIVERED"),
        ("INRETURN", "RETURNING"),
        ("RETURNED", "RETURNED"),
        ("ON_HOLD", "ON_HOLD"),
        ("DELIVERY_DELAYED", "DELAYED"),
        ("DELIVERY_FAILED", "ATTEMPT_FAILED"),
        ("IN_TRANSIT", "IN_TRANSIT"),
        ("COMPLETED", "UNKNOWN"),
        ("TELEPORTED", "UNKNOWN"),
        ("shipped", "UNKNOWN"),
    ],
)
def test_a_word_gives_a_status_and_stays_beside_it(word: str, status: str) -> None:
    read = tracker(status=word)
    assert (read.status, read.provider_status) == (status, word)


def test_a_tracker_without_a_word_is_unknown() -> None:
    read = tracker()
    assert (read.status, read.provider_status) == (TrackingStatus.UNKNOWN, None)


def test_what_paypal_never_gives_back_is_not_made_up() -> None:
    read = tracker(status="SHIPPED", create_time="2025-06-03T09:30:00Z", tracking_number="1", carrier="DHL")
    assert (read.tracking_number, read.carrier, read.tracking_url, read.events) == (None, None, None, ())


def test_trackers_are_sorted_by_creation_and_keep_paypals_order_where_that_says_nothing() -> None:
    read = trackers(
        {"id": "unknown-1", "create_time": "create_time8"},
        {"id": "late", "create_time": "2025-06-03T12:00:00+01:00"},
        {"id": "early-1", "create_time": "2025-06-03T10:00:00Z"},
        {"id": "early-2", "create_time": "2025-06-03T12:00:00+02:00"},
        {"id": "unknown-2"},
    )
    assert [each.tracker_id for each in read] == ["early-1", "early-2", "late", "unknown-1", "unknown-2"]


@pytest.mark.parametrize(
    ("captures", "named"),
    [
        ((), None),
        (("8MC585209K746392H",), "8MC585209K746392H"),
        (("3C679366HH908993F", "8MC585209K746392H"), "8MC585209K746392H"),
        (("3C679366HH908993F",), None),
        (("8MC585209K746392H", "8MC5"), None),
    ],
    ids=["no capture", "its capture", "its capture among others", "another capture", "two that fit"],
)
def test_a_capture_is_named_only_where_the_id_begins_with_exactly_one_of_the_orders_own(
    captures: tuple[str, ...], named: str | None
) -> None:
    (read,) = trackers({"id": "8MC585209K746392H443844607820"}, captures=captures)
    assert read.capture_id == named


@pytest.mark.parametrize("address", ["href6", "javascript:alert(1)", "", None])
def test_what_is_no_web_address_is_left_out_and_the_rest_is_kept(address: str | None) -> None:
    read = tracker(
        links=[{"href": address, "rel": "up", "method": "GET"}],
        items=[{"name": "n", "url": address, "image_url": address}],
    )
    assert (read.links[0].href, read.links[0].rel, read.links[0].method) == (None, "up", "GET")
    assert (read.items[0].url, read.items[0].image_url, read.items[0].name) == (None, None, "n")
