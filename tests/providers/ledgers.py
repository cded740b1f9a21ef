"""Ledgers for adapters that have no business with one."""

from __future__ import annotations

from providers.models import InvoiceTracker


class NoLedger:
    """The provider is asked; our own records are no affair of its adapter."""

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        raise AssertionError(tracker)

    async def find(self, invoice_number: str, carrier_code: str, tracking_number: str) -> InvoiceTracker | None:
        raise AssertionError(invoice_number, carrier_code, tracking_number)

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        raise AssertionError(invoice_number)
