"""Claims about what PayPal's JSON means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.drafts import OrderTrackerDraft
from providers.models import Carrier, OrderTracker, TrackingStatus
from providers.paypal.mapping import STATUS_BY_WORD, to_captures, to_earlier_tracker, to_tracker, to_trackers
from providers.paypal.wire import ORDER_ANSWER, WireOrder, WireTracker

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


def order(*trackers: dict[str, Any], captures: tuple[dict[str, Any], ...] = ()) -> WireOrder:
    unit = {"shipping": {"trackers": list(trackers)}, "payments": {"captures": list(captures)}}
    return WireOrder.model_validate({"id": "ORDER1", "purchase_units": [unit]})


CAPTURE = "8MC585209K746392H"
DRAFT = OrderTrackerDraft(
    paypal_order_id="ORDER1",
    capture_id=CAPTURE,
    tracking_number="4438-4460 7820",
    carrier="OTHER",
    carrier_name_other="Fiets & Co",
)


class TestTheTrackerOfAnEarlierRequest:
    @pytest.mark.parametrize("id_", [f"{CAPTURE}443844607820", f"{CAPTURE}-443844607820"])
    def test_is_known_by_the_id_that_paypals_examples_have(self, id_: str) -> None:
        found = to_earlier_tracker(order({"id": "T0"}, {"id": id_, "status": "SHIPPED"}), DRAFT, ())
        assert found is not None
        assert (found.tracker_id, found.capture_id) == (id_, CAPTURE)
        assert (found.tracking_number, found.carrier) == (
            "4438-4460 7820",
            Carrier(reference="OTHER", name="Fiets & Co"),
        )

    def test_is_known_by_what_we_keep_of_it(self) -> None:
        found = to_earlier_tracker(order({"id": "T0"}, {"id": "T1"}), DRAFT, {"T1", "T9"})
        assert found is not None
        assert found.tracker_id == "T1"

    def test_on_another_capture_is_another_tracker(self) -> None:
        """One parcel can be for two payments, and needs a tracker on each."""
        captures = ({"id": CAPTURE}, {"id": "OTHERCAPTURE"})
        there = order({"id": "OTHERCAPTURE443844607820", "status": "SHIPPED"}, captures=captures)
        assert to_earlier_tracker(there, DRAFT, {"OTHERCAPTURE443844607820"}) is None

    @pytest.mark.parametrize(
        "id_",
        [
            f"{CAPTURE}44384460782",  # cut short
            f"{CAPTURE}4438446078201",
            f"{CAPTURE}9",
            f"9{CAPTURE}443844607820",
            "443844607820",
            CAPTURE,
        ],
    )
    def test_has_no_other_id(self, id_: str) -> None:
        assert to_earlier_tracker(order({"id": id_, "status": "SHIPPED"}), DRAFT, ()) is None

    def test_is_not_one_that_was_called_off(self) -> None:
        cancelled = {"id": f"{CAPTURE}443844607820", "status": "CANCELLED"}
        assert to_earlier_tracker(order(cancelled), DRAFT, {cancelled["id"]}) is None

    def test_of_a_draft_without_a_number_cannot_be_told_from_others(self) -> None:
        draft = DRAFT.model_copy(update={"tracking_number": None})
        assert to_earlier_tracker(order({"id": CAPTURE, "status": "SHIPPED"}), draft, {CAPTURE}) is None

    def test_of_a_draft_whose_number_leaves_no_trace_in_an_id_is_only_known_by_us(self) -> None:
        draft = DRAFT.model_copy(update={"tracking_number": "--"})
        assert to_earlier_tracker(order({"id": CAPTURE, "status": "SHIPPED"}), draft, ()) is None


class TestCaptures:
    def test_each_has_paypals_own_word(self) -> None:
        captures = ({"id": "C1", "status": "COMPLETED"}, {"id": "C2", "status": "A_NEW_WORD"})
        found = to_captures(order(captures=captures), "ORDER1")
        assert [(each.paypal_order_id, each.capture_id, each.status) for each in found] == [
            ("ORDER1", "C1", "COMPLETED"),
            ("ORDER1", "C2", "A_NEW_WORD"),
        ]

    @pytest.mark.parametrize("payments", [None, {}, {"captures": None}, {"captures": []}])
    def test_an_order_that_is_not_paid_has_none(self, payments: object) -> None:
        unpaid = WireOrder.model_validate({"purchase_units": [{"payments": payments}, {}]})
        assert to_captures(unpaid, "ORDER1") == ()

    @pytest.mark.parametrize("capture", [{"id": "C1"}, {"status": "COMPLETED"}, {"id": " ", "status": "COMPLETED"}])
    def test_one_that_says_nothing_is_left_out(self, capture: dict[str, Any]) -> None:
        assert to_captures(order(captures=(capture,)), "ORDER1") == ()
