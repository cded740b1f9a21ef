"""A `TrackerLedger` in memory, for tests."""

from __future__ import annotations

from collections.abc import Iterable

from providers.models import InvoiceTracker


class MemoryLedger:
    """Keeps the trackers of one shop in a list; the number it gives is the place in it, from 1."""

    def __init__(self, trackers: Iterable[InvoiceTracker] = ()) -> None:
        self._trackers: list[InvoiceTracker] = list(trackers)

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        code = (tracker.carrier.reference if tracker.carrier else None) or ""
        stored = await self.find(tracker.invoice_number, code, tracker.tracking_number or "")
        if stored is None:
            stored = tracker.model_copy(update={"store_id": len(self._trackers) + 1})
            self._trackers.append(stored)
        return stored

    async def find(self, invoice_number: str, carrier_code: str, tracking_number: str) -> InvoiceTracker | None:
        for tracker in await self.find_by_invoice(invoice_number):
            has_code = tracker.carrier is not None and tracker.carrier.reference == carrier_code
            if has_code and tracker.tracking_number == tracking_number:
                return tracker
        return None

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        return tuple(tracker for tracker in self._trackers if tracker.invoice_number == invoice_number)
