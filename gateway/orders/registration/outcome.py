"""What an attempt ended in, from what was raised: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from gateway.orders.errors import OrderError, ProviderNotConfigured
from gateway.orders.refusal import Refusal
from gateway.orders.registration.shipment import StepOutcome
from gateway.store.database import StoreUnavailable
from gateway.store.invoice_trackers import NotBegun
from gateway.store.registrations import Result, StepState
from providers.errors import OrderNotFound, OutcomeUnknown, ProviderError, ProviderTimeout, RequestRejected
from providers.models import Tracking

_NOT_KEPT = {"made": {"media", "events", "items", "products", "pickup", "destination", "driver", "path"}}
"""Contents, pictures, places and drivers of what was made are read anew whenever they are asked for."""


class ShipmentUnreadable(Exception):
    """The shipment was accepted by a version of this gateway that knows more than we do."""


class Meaning(Enum):
    """What a failure says of the attempt.

    REFUSED: for good. NOT_TAKEN: nothing was done. UNKNOWN: it was sent, and only repeating what is repeatable finds
    out. BROKEN: we failed ourselves in the middle; it is tried again, so that no defect of ours loses work.
    """

    REFUSED = auto()
    NOT_TAKEN = auto()
    UNKNOWN = auto()
    BROKEN = auto()


MEANINGS: Mapping[type[Exception], Meaning] = {
    RequestRejected: Meaning.REFUSED,
    OrderNotFound: Meaning.REFUSED,
    OrderError: Meaning.REFUSED,
    OutcomeUnknown: Meaning.UNKNOWN,
    TimeoutError: Meaning.UNKNOWN,  # the attempt's own time was over
    ProviderError: Meaning.NOT_TAKEN,  # down, or a person has to mend the credentials
    ShipmentUnreadable: Meaning.NOT_TAKEN,
    NotBegun: Meaning.NOT_TAKEN,
    StoreUnavailable: Meaning.BROKEN,
    Exception: Meaning.BROKEN,
}
"""By the most special class that an error is of."""

UNFORESEEN = "INTERNAL_ERROR"

_FAILURES: Mapping[type[Exception], str] = {
    TimeoutError: OutcomeUnknown.code,
    StoreUnavailable: "STORE_UNAVAILABLE",
    Exception: UNFORESEEN,
}
"""The code of what a failure that has none of its own is told as."""

NOT_CONFIGURED = ProviderNotConfigured("This shop has no settings for this provider any more.")

DISMISSED = StepOutcome(
    refusal=Refusal(
        kind="ours", code="DISMISSED", message="The registration was dismissed before the provider confirmed it."
    )
)


CUT_OFF = StepOutcome(failure=OutcomeUnknown.code, may_be_done=True)
"""Of an attempt whose worker died: how far it had come is not known."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an attempt's failure is judged by.

    `was_sent`: it came after something may have reached the provider. `may_be_done`: so did one of an attempt before.
    `after`: the wait before the next attempt, unless this was the last one.
    """

    was_sent: bool
    is_repeatable: bool
    may_be_done: bool
    is_last: bool
    after: timedelta


def done(made: Tracking | None) -> Result:
    """The provider took it."""
    return Result(StepState.DONE, StepOutcome(made=made).model_dump(mode="json", exclude=_NOT_KEPT))


def refused(error: OrderError | RequestRejected | OrderNotFound) -> Result:
    """It was refused for good. A provider's violations lead into the draft that it was sent."""
    return Result(StepState.REFUSED, StepOutcome(refusal=Refusal.of(error)).model_dump(mode="json"))


def dismissed() -> Result:
    """Its registration was given up while an attempt was running."""
    return Result(StepState.REFUSED, DISMISSED.model_dump(mode="json"))


def failed(error: Exception, circumstances: Circumstances) -> Result:
    """What an attempt ended in that raised `error`."""
    meaning = meaning_of(error)
    if meaning is Meaning.REFUSED:
        assert isinstance(error, OrderError | RequestRejected | OrderNotFound)
        return refused(error)
    is_open = circumstances.was_sent and meaning is not Meaning.NOT_TAKEN
    may_be_done = circumstances.may_be_done or is_open
    outcome = StepOutcome(failure=failure_of(error, was_sent=circumstances.was_sent), may_be_done=may_be_done)
    return Result(
        _state(circumstances, may_be_done=may_be_done, is_unknown=is_open and meaning is Meaning.UNKNOWN),
        outcome.model_dump(mode="json"),
        circumstances.after,
    )


def may_be_done(outcome: Mapping[str, Any] | None) -> bool:
    """Whether an attempt may have been taken, by the outcome of the one before. It may have been written by another
    version of this gateway."""
    return bool((outcome or {}).get("may_be_done", False))


def meaning_of(error: Exception) -> Meaning:
    return next(MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS)


def failure_of(error: Exception, *, was_sent: bool) -> str:
    """The code that a failure is told by."""
    if isinstance(error, ProviderError):
        return error.code
    if isinstance(error, TimeoutError) and not was_sent:
        return ProviderTimeout.code
    return next(_FAILURES[kind] for kind in type(error).__mro__ if kind in _FAILURES)


def _state(circumstances: Circumstances, *, may_be_done: bool, is_unknown: bool) -> StepState:
    if is_unknown and not circumstances.is_repeatable:
        return StepState.UNKNOWN
    if not circumstances.is_last:
        return StepState.PENDING
    return StepState.UNKNOWN if may_be_done else StepState.REFUSED
