"""Writes about invoices: trackers at Billink."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.attempts import Attempt
from gateway.orders.directory import provider_of_kind
from gateway.orders.errors import ProviderNotConfigured
from gateway.orders.idempotency import Made
from gateway.orders.identity import OrderKey
from gateway.orders.shops import Shop
from gateway.schema.context import Context
from gateway.schema.fields import resolved
from gateway.schema.invoice_inputs import CreateInvoiceTrackerInput, check_tracker, to_draft
from gateway.schema.mutations.attempt import MutationSpec, attempt, in_any_shop, named
from gateway.schema.refusals import Terms
from gateway.schema.types.payloads import CreateInvoiceTrackerPayload
from providers.base import TrackerSink
from providers.errors import told_to_the_writer

INVOICE_NUMBER = "invoice_number"


async def _register(info: Info[Context], shop: Shop, given: CreateInvoiceTrackerInput, _attempt: Attempt) -> Made:
    sink = shop.providers.get(provider_of_kind(INVOICE_NUMBER))
    if not isinstance(sink, TrackerSink):
        raise ProviderNotConfigured("This shop has no Billink.")
    draft = to_draft(given, sink.profile.name)
    key = OrderKey(INVOICE_NUMBER, draft.reference.value)
    identity = await info.context.directory.identify(shop, key)
    with told_to_the_writer():
        tracker = await info.context.trackers.register(shop, sink, draft, identity)
    return Made(orders=named(key), tracking=tracker)


REGISTRATION = MutationSpec(
    Terms(CreateInvoiceTrackerInput, renamed={"reference": "invoiceNumber", "tracking_number": "trackAndTrace"}),
    CreateInvoiceTrackerPayload,
    check=in_any_shop(check_tracker),
    make=_register,
)


@strawberry.type
class InvoiceMutations:
    @resolved("Register a tracker on an invoice at Billink. The same one again registers nothing.")
    async def create_invoice_tracker(
        self,
        info: Info[Context],
        input: Annotated[CreateInvoiceTrackerInput, strawberry.argument(description="What to register.")],
    ) -> CreateInvoiceTrackerPayload | None:
        return await attempt(info, REGISTRATION, input)
