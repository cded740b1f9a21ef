"""A process that registers one tracker and is killed when Billink's answer has arrived and is not stored yet.

python -m tests.providers.billink.dying_worker STORE_URL BILLINK_URL INVOICE
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime

import httpx

from gateway.store.database import Database
from gateway.store.invoice_trackers import InvoiceTrackers
from providers.base import ProviderContext
from providers.billink.adapter import BillinkAdapter
from providers.billink.settings import BillinkSettings
from providers.billink.simulator import CREDENTIALS
from providers.models import Reference, TrackerDraft


class DeadlyTransport(httpx.AsyncHTTPTransport):
    """Ends the process, as a machine without memory would, at the first answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await super().handle_async_request(request)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


async def main(store_url: str, billink_url: str, invoice: str) -> None:
    settings = BillinkSettings.model_validate({**CREDENTIALS, "base_url": billink_url})
    async with httpx.AsyncClient(base_url=billink_url, transport=DeadlyTransport()) as client:
        ledger = InvoiceTrackers(Database(store_url), "demo")
        adapter = BillinkAdapter(settings, ProviderContext(client, lambda: datetime.now(UTC), ledger))
        reference = Reference(provider="billink", kind="invoice_number", value=invoice)
        await adapter.register_tracker(
            TrackerDraft(reference=reference, carrier_code="POSTNL", tracking_number="3SABCD1234567")
        )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
