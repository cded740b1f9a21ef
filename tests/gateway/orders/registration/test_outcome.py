"""What an attempt ends in: no failure loses work, none is called more certain than it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.orders.errors import KeyNotSupported
from gateway.orders.registration.outcome import (
    Circumstances,
    ShipmentUnreadable,
    dismissed,
    done,
    failed,
    may_be_done,
)
from gateway.orders.registration.shipment import StepOutcome
from gateway.orders.registration.steps import CaptureRequired
from gateway.store.database import StoreUnavailable
from gateway.store.invoice_trackers import NotBegun
from gateway.store.registrations import Result, StepState
from providers.errors import (
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderTimeout,
    ProviderUnavailable,
    RequestRejected,
    Violation,
    WriteInProgress,
)
from providers.models import InvoiceTracker, Media, TrackingStatus

SENT = Circumstances(was_sent=True, is_repeatable=True, may_be_done=False, is_last=False, after=timedelta(seconds=4))
UNSENT = replace(SENT, was_sent=False)
REJECTED = RequestRejected("karla", "upsert_order", violations=(Violation(("trackings", "0", "tracking_number")),))


def outcome_of(result: Result) -> StepOutcome:
    return StepOutcome.model_validate(result.outcome)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (REJECTED, "PROVIDER_REJECTED"),
        (OrderNotFound("karla", "upsert_order"), "ORDER_NOT_FOUND"),
        (KeyNotSupported("No."), "KEY_NOT_SUPPORTED"),
        (CaptureRequired("Name it."), "CAPTURE_REQUIRED"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_is_final_and_keeps_its_reason(error: Exception, code: str) -> None:
    for circumstances in (SENT, UNSENT, replace(SENT, is_repeatable=False)):
        result = failed(error, circumstances)
        refusal = outcome_of(result).refusal
        assert result.state is StepState.REFUSED
        assert refusal is not None
        assert refusal.code == code


def test_a_refusals_violations_still_lead_into_what_was_sent() -> None:
    refusal = outcome_of(failed(REJECTED, SENT)).refusal
    assert refusal is not None
    assert refusal.violations[0].field == ("trackings", "0", "tracking_number")


@pytest.mark.parametrize(
    ("error", "is_repeatable", "state", "open_after"),
    [
        (ProviderUnavailable("karla", "x"), True, StepState.PENDING, False),
        (ProviderUnavailable("billink", "x"), False, StepState.PENDING, False),
        (ProviderAuthFailed("karla", "x"), True, StepState.PENDING, False),
        (WriteInProgress("billink", "x"), False, StepState.PENDING, False),
        (NotBegun("locked"), False, StepState.PENDING, False),
        (OutcomeUnknown("karla", "x"), True, StepState.PENDING, True),
        (OutcomeUnknown("billink", "x"), False, StepState.UNKNOWN, True),
        (TimeoutError(), True, StepState.PENDING, True),
        (TimeoutError(), False, StepState.UNKNOWN, True),
        (StoreUnavailable("locked"), True, StepState.PENDING, True),
        (RuntimeError("a defect"), True, StepState.PENDING, True),
        (RuntimeError("a defect"), False, StepState.PENDING, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_failed_after_it_was_sent(
    error: Exception, is_repeatable: bool, state: StepState, open_after: bool
) -> None:
    result = failed(error, replace(SENT, is_repeatable=is_repeatable))
    assert (result.state, outcome_of(result).may_be_done) == (state, open_after)
    assert result.after == SENT.after


@pytest.mark.parametrize(
    "error",
    [
        ProviderTimeout("paypal", "find_captures"),
        TimeoutError(),
        StoreUnavailable("locked"),
        ShipmentUnreadable(),
        RuntimeError("a defect"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("is_repeatable", [True, False])
def test_what_failed_before_it_was_sent_was_not_done_and_is_tried_again(error: Exception, is_repeatable: bool) -> None:
    result = failed(error, replace(UNSENT, is_repeatable=is_repeatable))
    assert (result.state, outcome_of(result).may_be_done) == (StepState.PENDING, False)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderUnavailable("karla", "x"), "PROVIDER_UNAVAILABLE"),
        (TimeoutError(), "OUTCOME_UNKNOWN"),
        (StoreUnavailable("a path and more"), "STORE_UNAVAILABLE"),
        (ShipmentUnreadable(), "INTERNAL_ERROR"),
        (RuntimeError("a secret"), "INTERNAL_ERROR"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_failure_is_kept_by_its_code_and_no_text(error: Exception, code: str) -> None:
    result = failed(error, SENT)
    assert outcome_of(result).failure == code
    assert "secret" not in str(result.outcome)


def test_the_last_attempt_gives_up_and_says_whether_it_may_be_done() -> None:
    last = replace(SENT, is_last=True)
    assert failed(ProviderUnavailable("karla", "x"), last).state is StepState.REFUSED
    assert failed(OutcomeUnknown("karla", "x"), last).state is StepState.UNKNOWN


def test_an_earlier_attempt_that_may_have_been_taken_is_not_forgotten() -> None:
    first = failed(OutcomeUnknown("karla", "x"), SENT)
    assert may_be_done(first.outcome)
    second = failed(ProviderUnavailable("karla", "x"), replace(SENT, may_be_done=may_be_done(first.outcome)))
    assert may_be_done(second.outcome)
    last = replace(SENT, may_be_done=may_be_done(second.outcome), is_last=True)
    assert failed(ProviderUnavailable("karla", "x"), last).state is StepState.UNKNOWN


@pytest.mark.parametrize("outcome", [None, {}, {"member_of_a_later_version": 1}])
def test_an_outcome_that_says_nothing_of_it_was_not_done(outcome: dict[str, object] | None) -> None:
    assert not may_be_done(outcome)


def test_what_was_made_is_kept_without_its_pictures() -> None:
    tracker = InvoiceTracker(
        provider="billink",
        status=TrackingStatus.INFO_RECEIVED,
        store_id=1,
        tracker_id="T1",
        invoice_number="INV-1",
        media=(Media(type="image/png", content="iVBORw0KGgo="),),
    )
    result = done(tracker)
    assert (result.state, outcome_of(result).made) == (StepState.DONE, tracker.model_copy(update={"media": ()}))
    assert outcome_of(done(None)).made is None


def test_what_was_dismissed_is_refused_as_that() -> None:
    refusal = outcome_of(dismissed()).refusal
    assert refusal is not None
    assert (dismissed().state, refusal.code) == (StepState.REFUSED, "DISMISSED")
