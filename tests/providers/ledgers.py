"""Ledgers for adapters that have no business with one."""

from __future__ import annotations

from providers.base import AttemptBegun, AttemptRunning, AttemptUnfinished
from providers.models import InvoiceTracker


class NoLedger:
    """The provider is asked; our own records are no affair of its adapter."""

    async def begin(
        self, invoice_number: str, carrier_code: str, tracking_number: str
    ) -> InvoiceTracker | AttemptBegun | AttemptRunning | AttemptUnfinished:
        raise AssertionError(invoice_number, carrier_code, tracking_number)

    async def add(self, tracker: InvoiceTracker) -> InvoiceTracker:
        raise AssertionError(tracker)

    async def abandon(self, attempt: AttemptBegun) -> None:
        raise AssertionError(attempt)

    async def forget_attempt(self, invoice_number: str, carrier_code: str, tracking_number: str) -> bool:
        raise AssertionError(invoice_number, carrier_code, tracking_number)

    async def find_by_invoice(self, invoice_number: str) -> tuple[InvoiceTracker, ...]:
        raise AssertionError(invoice_number)
