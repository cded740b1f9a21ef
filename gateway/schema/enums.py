"""The domain's enums as clients see them: each lifted once, with what every value means.

Imported by whoever names one of them, so that Strawberry meets the lifted enum first.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry

from gateway.freshness.envelope import CacheResult
from gateway.orders.identity import ReferenceOrigin
from gateway.resilience.health import HealthLevel
from gateway.store.registrations import StepState
from providers.drafts import OrderReferenceType
from providers.models import TrackingStatus

E = TypeVar("E", bound=type[Enum])


def _lift(enum: E, description: str, values: Mapping[Enum, str], *, name: str | None = None) -> E:
    """Publish `enum`, under another `name` than its own where one is given."""
    lifted = strawberry.enum(enum, description=description, name=name)
    meanings = {member.name: meaning for member, meaning in values.items()}
    for value in lifted.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by strawberry.enum
        value.description = meanings[value.name]
    return lifted


_lift(
    TrackingStatus,
    "One status for every provider. An unknown provider word is UNKNOWN, keeps the raw text, and is counted; never "
    "a guess.",
    {
        TrackingStatus.UNKNOWN: "The provider said something that the gateway does not know, or nothing.",
        TrackingStatus.PENDING: "Nothing has happened yet.",
        TrackingStatus.INFO_RECEIVED: "Somebody said that it is on its way; nobody has scanned it.",
        TrackingStatus.PICKED_UP: "Fetched from the sender.",
        TrackingStatus.IN_TRANSIT: "On its way.",
        TrackingStatus.OUT_FOR_DELIVERY: "On the last way to the customer.",
        TrackingStatus.AVAILABLE_FOR_PICKUP: "Waits to be fetched by the customer.",
        TrackingStatus.ATTEMPT_FAILED: "Could not be handed over; another attempt may follow.",
        TrackingStatus.DELAYED: "On its way, later than promised.",
        TrackingStatus.ON_HOLD: "Held back.",
        TrackingStatus.EXCEPTION: "Something went wrong.",
        TrackingStatus.RETURNING: "On its way back to the sender.",
        TrackingStatus.RETURNED: "Back at the sender.",
        TrackingStatus.DELIVERED: "Handed over.",
        TrackingStatus.CANCELLED: "Called off.",
    },
)

_lift(
    CacheResult,
    "Where a provider's part of an answer came from.",
    {
        CacheResult.HIT: "A fresh copy.",
        CacheResult.MISS: "Asked now.",
        CacheResult.STALE: "An old copy, renewed behind the answer or standing in for a provider that failed.",
        CacheResult.BYPASS: "Asked now, because the client asked past the cache.",
        CacheResult.STORED: "Read from the gateway's own store.",
    },
)

_lift(
    ReferenceOrigin,
    "How the gateway knows a reference.",
    {
        ReferenceOrigin.RULE: "By a rule in the settings.",
        ReferenceOrigin.LINK: "By a link that somebody made.",
        ReferenceOrigin.PROVIDER: "By what a provider said.",
    },
)

_lift(
    HealthLevel,
    "How a provider account does, from the most recent calls of this process.",
    {
        HealthLevel.UNKNOWN: "Not called yet.",
        HealthLevel.HEALTHY: "Calls succeed.",
        HealthLevel.DEGRADED: "Some calls fail.",
        HealthLevel.DOWN: "Most calls fail, the latest among them.",
    },
)

_lift(
    OrderReferenceType,
    "By which of its names an order is meant.",
    {
        OrderReferenceType.UUID: "Karla's id of the order.",
        OrderReferenceType.EXTERNAL_ID: "The shop system's id of the order.",
        OrderReferenceType.ORDER_NAME: "The shop's name of the order.",
        OrderReferenceType.ORDER_NUMBER: "The shop's number of the order.",
    },
)

_lift(
    StepState,
    "How far one provider's part of a registration is.",
    {
        StepState.DONE: "The provider knows of the shipment.",
        StepState.REFUSED: "It will not be done: `userErrors` say why. `retryRegistration` tries it again.",
        StepState.PENDING: "It is not done yet and will be tried, again if need be, without anybody asking.",
        StepState.UNKNOWN: "It was sent and no answer came, and sending it again could do it twice: look whether it "
        "was done. It is not tried again by itself.",
    },
    name="OutcomeState",
)

__all__ = ["CacheResult", "HealthLevel", "OrderReferenceType", "ReferenceOrigin", "StepState", "TrackingStatus"]
