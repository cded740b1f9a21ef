"""Events of a timeline."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final

import strawberry

from gateway.orders.loaded import LoadedOrder
from gateway.orders.merge.timeline import TimelineEvent, newest_first
from gateway.schema.enums import TrackingStatus
from gateway.schema.fields import delegated, resolved
from gateway.schema.types.provider import Provider, provider_of
from gateway.schema.types.values import AdditionalInfo, EventLabels, Location

if TYPE_CHECKING:
    from gateway.schema.types.tracking import Tracking


@strawberry.enum(description="How events are ordered; events without an instant stand last either way.")
class SortOrder(Enum):
    NEWEST_FIRST = strawberry.enum_value("NEWEST_FIRST", description="The newest event first.")
    OLDEST_FIRST = strawberry.enum_value("OLDEST_FIRST", description="The oldest event first.")


OLDEST_FIRST: Final = SortOrder.OLDEST_FIRST
"""The one that differs: without an order, and with null for it, the newest stand first."""


@strawberry.type(description="One thing that happened to a tracking.")
class TrackingEvent:
    entry: strawberry.Private[TimelineEvent]
    order: strawberry.Private[LoadedOrder]

    @resolved("Stable: the same event read again has the same id.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.entry.id)

    @resolved("Who said it.")
    def provider(self) -> Provider:
        return provider_of(self.order.shop, self.entry.tracking.provider)

    @resolved("The tracking that it happened to.")
    def tracking(
        self,
    ) -> Annotated[Tracking, strawberry.lazy("gateway.schema.types.tracking")] | None:
        from gateway.schema.types.tracking import tracking_type  # noqa: PLC0415  # the two types name each other

        return tracking_type(self.entry.tracking, self.order)

    occurred_at: datetime | None = delegated(
        "entry.event.occurred_at", "When it happened; null when the provider stated no time zone."
    )
    occurred_at_text: str | None = delegated(
        "entry.event.occurred_at_text", "When it happened in the provider's own words."
    )
    timezone: str | None = delegated("entry.event.timezone", "Time zone of the place, as the provider names it.")
    status: TrackingStatus = delegated("entry.event.status", "The status that the event stands for.")
    phase: str | None = delegated("entry.event.phase", "Karla's phase.")
    code: str | None = delegated("entry.event.code", "Karla's `event_key`, HyperTrack's timeline type.")
    name: str | None = delegated("entry.event.name", "Karla's `event_name`.")
    description: str | None = delegated("entry.event.description", "The event in the provider's words.")
    labels: EventLabels | None = delegated("entry.event.labels", "Texts to show to a customer.")
    location: Location | None = delegated("entry.event.location", "Where it happened.")
    language: str | None = delegated("entry.event.language", "Language of the texts.")
    additional_info: AdditionalInfo | None = delegated("entry.event.additional_info", "What the carrier adds.")


def events_of(
    timeline: tuple[TimelineEvent, ...], order: LoadedOrder, first: int, *, is_newest_first: bool
) -> list[TrackingEvent]:
    """The first events of `timeline`, which is given oldest first."""
    ordered = newest_first(timeline) if is_newest_first else timeline
    return [TrackingEvent(entry=entry, order=order) for entry in ordered[:first]]
