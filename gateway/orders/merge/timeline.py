"""The merged timeline of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.orders.merge.identity import event_identity, tracking_identity
from gateway.orders.merge.status import ADVANCEMENT, PROBLEMS
from providers.models import Tracking, TrackingEvent, TrackingStatus

_BEGINNING = datetime.min.replace(tzinfo=UTC)

_PROGRESS = {status: rank for rank, status in enumerate((*ADVANCEMENT, *reversed(PROBLEMS)))}


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """An event, the tracking that it happened to, and the id by which it is known again."""

    id: str
    event: TrackingEvent
    tracking: Tracking


def merge_timeline(trackings: Iterable[Tracking]) -> tuple[TimelineEvent, ...]:
    """Every event of `trackings` once, oldest first; those without an instant last, by the provider's own words.

    Repetition and the order of arrival change nothing: events that share an instant stand by how far they say the
    parcel is, then by their own content.
    """
    unique: dict[str, TimelineEvent] = {}
    for tracking in trackings:
        identity = tracking_identity(tracking)
        for event in tracking.events:
            entry = TimelineEvent(event_identity(identity, event), event, tracking)
            known = unique.get(entry.id)
            unique[entry.id] = entry if known is None else _fuller(known, entry)
    return tuple(sorted(unique.values(), key=_place))


def newest_first(timeline: tuple[TimelineEvent, ...]) -> tuple[TimelineEvent, ...]:
    """`timeline` turned round; events without an instant stay last."""
    timed = [entry for entry in timeline if entry.event.occurred_at]
    untimed = [entry for entry in timeline if not entry.event.occurred_at]
    return (*reversed(timed), *untimed)


def _place(entry: TimelineEvent) -> tuple[bool, datetime, str, int, str, str, str, str]:
    event = entry.event
    return (
        event.occurred_at is None,
        event.occurred_at or _BEGINNING,
        "" if event.occurred_at else event.occurred_at_text or "",
        _PROGRESS.get(event.status, -1 if event.status is TrackingStatus.UNKNOWN else len(_PROGRESS)),
        entry.tracking.provider,
        event.code or "",
        event.name or "",
        entry.id,
    )


def _fuller(one: TimelineEvent, other: TimelineEvent) -> TimelineEvent:
    """Of two readings of one event, the one that says more; by content, so that neither's arrival decides."""
    if one == other:
        return one
    return max(one, other, key=lambda entry: (_weight(entry.event), _weight(entry.tracking)))


def _weight(reading: TrackingEvent | Tracking) -> tuple[int, str]:
    content = reading.model_dump_json(exclude_none=True)
    return len(content), content
