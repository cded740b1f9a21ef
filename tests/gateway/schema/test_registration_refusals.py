"""What became of a step is told at the member of `registerShipment`'s input, whichever draft was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from gateway.orders.errors import ProviderNotConfigured
from gateway.orders.refusal import Refusal
from gateway.orders.registration.outcome import DISMISSED
from gateway.orders.registration.shipment import StepOutcome
from gateway.orders.registration.steps import CaptureRequired
from gateway.orders.shops import Shop
from gateway.schema.errors import ErrorCode
from gateway.schema.registration_refusals import (
    EACH,
    FAILURES,
    ORDER_TRACKER,
    ORDER_UPSERT,
    ROUTE,
    TABLES,
    TERMS,
    TRACKER,
    Field,
    outcome_of,
    step_errors,
)
from gateway.schema.types.payloads import UserError
from gateway.store.registrations import Step, StepState
from providers import drafts, models
from providers.errors import OrderNotFound, OutcomeUnknown, ProviderUnavailable, RequestRejected, Violation
from tests.gateway.orders.providers import BILLINK, HYPERTRACK, KARLA, PAYPAL, OrderBook, RouteBook, TrackingBook
from tests.gateway.schema.test_refusals import exists, fields

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

SHOP = Shop(
    "acme",
    None,
    {
        "karla": OrderBook(KARLA),
        "hypertrack": RouteBook(HYPERTRACK),
        "paypal": TrackingBook(PAYPAL),
        "billink": TrackingBook(BILLINK),
    },
    {},
)

DRAFTS: Mapping[type[BaseModel], Mapping[Field, Field]] = {
    drafts.OrderUpsert: ORDER_UPSERT,
    drafts.OrderTrackerDraft: ORDER_TRACKER,
    models.TrackerDraft: TRACKER,
    drafts.RouteDraft: ROUTE,
}
"""What providers are told by, each with its table."""

OF_NO_MEMBER: Mapping[type[BaseModel], frozenset[Field]] = {
    # A list of one parcel is the shipment as a whole.
    drafts.OrderUpsert: frozenset({("trackings",), ("trackings", "0", "placed_at")}),
    models.TrackerDraft: frozenset({("media",), ("media", "0", "type"), ("media", "0", "content")}),
}
"""The members of a draft that a shipment says nothing of."""


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.__name__)
def test_every_member_of_a_draft_leads_into_the_input(draft: type[BaseModel]) -> None:
    paths = {field: TERMS.path(field) for field in fields(draft)}
    assert [field for field, path in paths.items() if not exists("registerShipment", path)] == []
    whole = {field for field, path in paths.items() if path == ["input"]}
    assert whole == OF_NO_MEMBER.get(draft, frozenset())


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.__name__)
def test_a_table_lists_only_members_that_there_are(draft: type[BaseModel]) -> None:
    known = {tuple(EACH if part == "0" else part for part in field) for field in fields(draft)}
    items = {field[: field.index(EACH) + 1] for field in known if EACH in field}
    assert set(DRAFTS[draft]) <= known | items


def test_no_two_drafts_call_different_things_by_one_name() -> None:
    """Else one table for all of them would lead astray."""
    assert tuple(DRAFTS.values()) == TABLES
    for table in TABLES:
        assert {member: TERMS.fields[member] for member in table} == table


@pytest.mark.parametrize(
    ("field", "path"),
    [
        (("reference",), ["order"]),
        (("reference_type",), ["order"]),
        (("order", "address", "zip_code"), ["order"]),
        (("trackings", "0", "tracking_number"), ["trackingNumber"]),
        (("trackings", "0", "tracking_url"), ["trackingUrl"]),
        (("trackings", "0", "carrier_reference"), ["carrier"]),
        (("trackings", "0", "products", "2", "sku"), ["items"]),
        (("paypal_order_id",), ["order"]),
        (("capture_id",), ["captureId"]),
        (("tracking_number",), ["trackingNumber"]),
        (("carrier",), ["carrier"]),
        (("carrier_name_other",), ["carrier"]),
        (("notify_payer",), ["notifyPayer"]),
        (("items",), ["items"]),
        (("items", "3"), ["items", "3"]),
        (("items", "0", "image_url"), ["items", "0", "imageUrl"]),
        (("items", "12", "upc", "code"), ["items", "12", "upc", "code"]),
        (("reference", "value"), ["order"]),
        (("carrier_code",), ["carrier"]),
        (("worker_handle",), ["route", "workerHandle"]),
        (("orders",), ["route", "orders"]),
        (("orders", "1", "destination"), ["route", "orders", "1", "destination"]),
        (
            ("orders", "1", "destination", "location", "latitude"),
            ["route", "orders", "1", "destination", "location", "latitude"],
        ),
        (("invented",), []),
        ((), []),
    ],
)
def test_the_path_of_a_field(field: Field, path: list[str]) -> None:
    assert TERMS.path(field) == ["input", *path]


def told(outcome: StepOutcome, provider: str = "paypal") -> list[tuple[str, list[str] | None, str | None]]:
    return [(error.code, error.path, error.provider_code) for error in step_errors(outcome, provider, SHOP)]


def test_each_violation_is_told_at_its_member() -> None:
    rejected = RequestRejected(
        "paypal",
        "track_order",
        provider_code="INVALID",
        violations=(Violation(("capture_id",), "CAPTURE_ID_NOT_FOUND"), Violation(("items", "0", "sku"))),
    )
    assert told(StepOutcome(refusal=Refusal.of(rejected))) == [
        ("PROVIDER_REJECTED", ["input", "captureId"], "CAPTURE_ID_NOT_FOUND"),
        ("PROVIDER_REJECTED", ["input", "items", "0", "sku"], "INVALID"),
    ]


@pytest.mark.parametrize(
    ("refusal", "code", "path"),
    [
        (Refusal.of(OrderNotFound("paypal", "track_order")), "ORDER_NOT_FOUND", ["input", "order"]),
        (Refusal.of(CaptureRequired("Name the capture.")), "CAPTURE_REQUIRED", ["input", "captureId"]),
        (Refusal.of(ProviderNotConfigured("Not any more.")), "PROVIDER_NOT_CONFIGURED", ["input"]),
        (DISMISSED.refusal, "DISMISSED", ["input"]),
    ],
)
def test_a_refusal_of_ours_is_told_where_it_can_be_mended(refusal: Refusal, code: str, path: list[str]) -> None:
    (error,) = step_errors(StepOutcome(refusal=refusal), "paypal", SHOP)
    assert (error.code, error.path) == (code, path)
    assert error.message == refusal.message
    assert named(error) == "paypal"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (ProviderUnavailable.code, ProviderUnavailable.message),
        (OutcomeUnknown.code, OutcomeUnknown.message),
        (ErrorCode.STORE_UNAVAILABLE.value, ErrorCode.STORE_UNAVAILABLE.meaning),
    ],
)
def test_a_failed_attempt_is_told_without_a_member(code: str, message: str) -> None:
    (error,) = step_errors(StepOutcome(failure=code), "billink", SHOP)
    assert (error.code, error.path, error.message, named(error)) == (code, None, message, "billink")


def test_a_code_of_a_newer_gateway_is_told_as_it_is() -> None:
    (error,) = step_errors(StepOutcome(failure="NEWER"), "karla", SHOP)
    assert (error.code, bool(error.message)) == ("NEWER", True)


def test_every_documented_code_has_its_words() -> None:
    assert {code.value for code in ErrorCode} < set(FAILURES)
    assert all(FAILURES.values())


def test_what_was_not_tried_has_no_errors() -> None:
    assert step_errors(StepOutcome(), "karla", SHOP) == []


def test_what_a_newer_gateway_wrote_is_no_error_of_this_one() -> None:
    written = {"failure": "PROVIDER_TIMEOUT", "invented": True}
    step = Step(
        provider="karla",
        references=(),
        state=StepState.PENDING,
        attempts=1,
        due_at=NOON,
        is_running=False,
        outcome=written,
        updated_at=NOON,
    )
    assert outcome_of(step) == StepOutcome()
    assert outcome_of(replace(step, outcome={"failure": "PROVIDER_TIMEOUT"})).failure == "PROVIDER_TIMEOUT"
    assert outcome_of(replace(step, outcome=None)) == StepOutcome()


def test_a_provider_that_is_plugged_in_no_more_is_told_by_its_name() -> None:
    (error,) = step_errors(StepOutcome(failure="PROVIDER_TIMEOUT"), "gone", SHOP)
    assert (named(error), error.path) == ("gone", None)


def named(error: UserError) -> str | None:
    return error.provider.profile.name if error.provider else None
