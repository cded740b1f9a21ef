"""A `TrackerLedger` in memory, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from providers.base import REGISTRATION_TIME_LIMIT, AttemptBegun, AttemptRunning, AttemptUnfinished
from providers.models import InvoiceTracker


class MemoryLedger:
    """Keeps the trackers of one shop in a list; the number it gives is the place in it, from 1.

    An attempt that is open for longer than `REGISTRATION_TIME_LIMIT`, by `clock`, is unfinished.
    """

    def __init__(
        self,
        trackers: Iterable[InvoiceTracker] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._trackers: list[InvoiceTracker] = list(trackers)
        self._begun: dict[tuple[str, str, str], float] = {}
        self._clock = clock

    async def begin(
        self, invoice_number: str, carrier_code: str, tracking_number: str
    ) -> InvoiceTracker | AttemptBegun | AttemptRunning | AttemptUnfinished:
        named = (invoice_number, carrier_code, tracking_number)
        for tracker in self._trackers:
            if _names(tracker) == named:
                return tracker
        if named in self._begun:
            return AttemptRunning() if self._may_run(named) else AttemptUnfinished()
        self._begun[named] = self._clock().timestamp()
        return AttemptBegun(*named, begun_at=self._begun[named])

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        self._begun.pop(_names(tracker), None)
        for stored in self._trackers:
            if _names(stored) == _names(tracker):
                return stored
        stored = tracker.model_copy(update={"store_id": len(self._trackers) + 1})
        self._trackers.append(stored)
        return stored

    async def abandon(self, attempt: AttemptBegun) -> None:
        named = (attempt.invoice_number, attempt.carrier_code, attempt.tracking_number)
        if self._begun.get(named) == attempt.begun_at:
            del self._begun[named]

    async def forget_attempt(self, invoice_number: str, carrier_code: str, tracking_number: str) -> bool:
        named = (invoice_number, carrier_code, tracking_number)
        if named in self._begun and self._may_run(named):
            return False
        self._begun.pop(named, None)
        return True

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        return tuple(tracker for tracker in self._trackers if tracker.invoice_number == invoice_number)

    def _may_run(self, named: tuple[str, str, str]) -> bool:
        return self._clock().timestamp() <= self._begun[named] + REGISTRATION_TIME_LIMIT.total_seconds()


def _names(tracker: InvoiceTracker) -> tuple[str, str, str]:
    code = tracker.carrier.reference if tracker.carrier else None
    return tracker.invoice_number, code or "", tracker.tracking_number or ""
