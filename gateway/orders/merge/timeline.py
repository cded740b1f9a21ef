"""The merged timeline of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.orders.merge.identity import event_identity, tracking_identity
from gateway.orders.merge.status import ADVANCEMENT, PROBLEMS
from providers.models import Tracking, TrackingEvent, TrackingStatus

_BEGINNING = datetime.min.replace(tzinfo=UTC)

_PROGRESS = {status: rank for rank, status in enumerate((*ADVANCEMENT, *reversed(PROBLEMS)))}


@dataclass(slots=True)
class TimelineEvent:
    """An event, and the tracking that it happened to. Nobody changes it; to have that enforced would triple the time
    that it takes to make one, and a list of orders has hundreds."""

    event: TrackingEvent
    tracking: Tracking
    _id: str | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def id(self) -> str:
        """What it is known by again. Worked out when it is first asked for, which takes 3 µs."""
        if self._id is None:
            self._id = event_identity(tracking_identity(self.tracking), self.event)
        return self._id


def merge_timeline(trackings: Iterable[Tracking]) -> tuple[TimelineEvent, ...]:
    """Every event of `trackings` once, oldest first; those without an instant last, by the provider's own words.

    Repetition and the order of arrival change nothing: events that share an instant stand by how far they say the
    parcel is, then by their own content.
    """
    entries = [TimelineEvent(event, tracking) for tracking in trackings for event in tracking.events]
    instants = {entry.event.occurred_at for entry in entries}
    if len(instants) == len(entries) and None not in instants:  # so no event is there twice, and nothing else counts
        return tuple(sorted(entries, key=_instant))
    unique: dict[str, TimelineEvent] = {}
    for entry in entries:
        known = unique.setdefault(entry.id, entry)
        if known is not entry:
            unique[entry.id] = _fuller(known, entry)
    return tuple(entry for _, entry in sorted(unique.items(), key=_place))


def newest_first(timeline: tuple[TimelineEvent, ...]) -> tuple[TimelineEvent, ...]:
    """`timeline` turned round; events without an instant stay last."""
    if not timeline or timeline[-1].event.occurred_at:
        return timeline[::-1]
    timed = [entry for entry in timeline if entry.event.occurred_at]
    untimed = [entry for entry in timeline if not entry.event.occurred_at]
    return (*reversed(timed), *untimed)


def _instant(entry: TimelineEvent) -> datetime:
    return entry.event.occurred_at or _BEGINNING


def _place(entry_by_id: tuple[str, TimelineEvent]) -> tuple[bool, datetime, str, int, str, str, str, str]:
    entry_id, entry = entry_by_id
    event = entry.event
    return (
        event.occurred_at is None,
        _instant(entry),
        "" if event.occurred_at else event.occurred_at_text or "",
        _PROGRESS.get(event.status, -1 if event.status is TrackingStatus.UNKNOWN else len(_PROGRESS)),
        entry.tracking.provider,
        event.code or "",
        event.name or "",
        entry_id,
    )


def _fuller(one: TimelineEvent, other: TimelineEvent) -> TimelineEvent:
    """Of two readings of one event, the one that says more; by content, so that neither's arrival decides."""
    if one == other:
        return one
    return max(one, other, key=lambda entry: (_weight(entry.event), _weight(entry.tracking)))


def _weight(reading: TrackingEvent | Tracking) -> tuple[int, str]:
    content = reading.model_dump_json(exclude_none=True)
    return len(content), content
