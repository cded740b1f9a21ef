"""Writes about invoices: trackers at Billink."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.directory import provider_of_kind
from gateway.orders.identity import OrderKey
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.schema.context import Context
from gateway.schema.fields import resolved
from gateway.schema.invoice_inputs import TERMS, CreateInvoiceTrackerInput, check_tracker, to_draft
from gateway.schema.refusals import refusals
from gateway.schema.selection import path_of
from gateway.schema.types.payloads import CreateInvoiceTrackerPayload, UserError
from gateway.schema.types.tracking import InvoiceTracker, tracking_type
from providers.base import TrackerSink
from providers.errors import ProviderError, RequestRejected, as_write_failure

INVOICE_NUMBER = "invoice_number"


@strawberry.type
class InvoiceMutations:
    @resolved("Register a tracker on an invoice at Billink. The same one again registers nothing.")
    async def create_invoice_tracker(
        self,
        info: Info[Context],
        input: Annotated[CreateInvoiceTrackerInput, strawberry.argument(description="What to register.")],
    ) -> CreateInvoiceTrackerPayload | None:
        shop = info.context.shop(input.shop)
        sink = shop.providers.get(provider_of_kind(INVOICE_NUMBER))
        if not isinstance(sink, TrackerSink):
            return _refused(
                shop,
                [UserError(code="PROVIDER_NOT_CONFIGURED", message="This shop has no Billink.", path=["input"])],
            )
        errors = list(check_tracker(input))
        return _refused(shop, errors) if errors else await _register(info, shop, sink, input)


async def _register(
    info: Info[Context], shop: shops.Shop, sink: TrackerSink, given: CreateInvoiceTrackerInput
) -> CreateInvoiceTrackerPayload | None:
    draft = to_draft(given, sink.profile.name)
    key = OrderKey(INVOICE_NUMBER, draft.reference.value)
    identity = await info.context.directory.identify(shop, key)
    try:
        model = await info.context.trackers.register(shop, sink, draft, identity)
    except RequestRejected as rejected:
        return _refused(shop, refusals(rejected, shop, TERMS))
    except ProviderError as error:
        info.context.report(as_write_failure(error), path_of(info._raw_info))
        return None
    part = ProviderPart.stored(model, info.context.now())
    tracker = tracking_type(model, LoadedOrder(shop, identity, None, {model.provider: part}, ()))
    if not isinstance(tracker, InvoiceTracker):
        raise TypeError(f"{model.provider} registered no invoice tracker")
    return CreateInvoiceTrackerPayload(shop=shop, key=key, user_errors=[], tracker=tracker)


def _refused(shop: shops.Shop, errors: list[UserError]) -> CreateInvoiceTrackerPayload:
    return CreateInvoiceTrackerPayload(shop=shop, key=None, user_errors=errors, tracker=None)
