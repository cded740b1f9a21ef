"""Writes about payments: trackers at PayPal."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.attempts import Attempt
from gateway.orders.idempotency import Made
from gateway.orders.identity import OrderKey
from gateway.orders.shops import Shop
from gateway.orders.writes import PAYPAL_ORDER_ID
from gateway.schema.constraints import draft
from gateway.schema.context import Context
from gateway.schema.errors import ErrorCode
from gateway.schema.fields import resolved
from gateway.schema.ids import GlobalId
from gateway.schema.mutations.attempt import MutationSpec, attempt, id_of, in_any_shop, named
from gateway.schema.payment_inputs import (
    CancelOrderTrackerInput,
    CreateOrderTrackerInput,
    UpdateOrderTrackerInput,
    check_cancellation,
    check_tracker_change,
    check_tracker_draft,
)
from gateway.schema.refusals import Terms
from gateway.schema.types.payloads import (
    CancelOrderTrackerPayload,
    CreateOrderTrackerPayload,
    UpdateOrderTrackerPayload,
)
from gateway.schema.types.tracking import OrderTracker
from providers.drafts import OrderTrackerDraft
from providers.models import TrackerItem


async def _create(info: Info[Context], shop: Shop, given: CreateOrderTrackerInput, attempt: Attempt) -> Made:
    tracker_draft = draft(OrderTrackerDraft, given)
    _identity, tracker = await info.context.order_tracker_writes.create(shop, tracker_draft, attempt)
    return Made(orders=named(OrderKey(PAYPAL_ORDER_ID, given.paypal_order_id)), tracking=tracker)


async def _change(info: Info[Context], shop: Shop, given: UpdateOrderTrackerInput, _attempt: Attempt) -> Made:
    order, tracker = map(str, _tracker_id(given).parts)
    items = None if given.items is None else tuple(draft(TrackerItem, item) for item in given.items)
    await info.context.order_tracker_writes.change(shop, order, tracker, items, given.notify_payer)
    return Made(orders=named(OrderKey(PAYPAL_ORDER_ID, order)))


async def _cancel(info: Info[Context], shop: Shop, given: CancelOrderTrackerInput, _attempt: Attempt) -> Made:
    order, tracker = map(str, _tracker_id(given).parts)
    await info.context.order_tracker_writes.cancel(shop, order, tracker)
    return Made(orders=named(OrderKey(PAYPAL_ORDER_ID, order)))


def _tracker_id(given: UpdateOrderTrackerInput | CancelOrderTrackerInput) -> GlobalId:
    return id_of(given.tracking_id, OrderTracker.__name__, given.shop)


_BY_ID = {"paypal_order_id": "trackingId", "tracker_id": "trackingId"}

CREATION = MutationSpec(
    Terms(CreateOrderTrackerInput, named_by="paypalOrderId"),
    CreateOrderTrackerPayload,
    check=in_any_shop(check_tracker_draft),
    make=_create,
)
CHANGE = MutationSpec(
    Terms(UpdateOrderTrackerInput, named_by="trackingId", missing=ErrorCode.TRACKING_NOT_FOUND.value, renamed=_BY_ID),
    UpdateOrderTrackerPayload,
    check=in_any_shop(check_tracker_change),
    make=_change,
    shop_of=lambda given: _tracker_id(given).shop,
)
CANCELLATION = MutationSpec(
    Terms(CancelOrderTrackerInput, named_by="trackingId", missing=ErrorCode.TRACKING_NOT_FOUND.value, renamed=_BY_ID),
    CancelOrderTrackerPayload,
    check=in_any_shop(check_cancellation),
    make=_cancel,
    shop_of=lambda given: _tracker_id(given).shop,
)


@strawberry.type
class PaymentMutations:
    @resolved("Add a tracker to a captured payment at PayPal: it tells the payer, and proves shipment.")
    async def create_order_tracker(
        self,
        info: Info[Context],
        input: Annotated[CreateOrderTrackerInput, strawberry.argument(description="The tracker.")],
    ) -> CreateOrderTrackerPayload | None:
        return await attempt(info, CREATION, input)

    @resolved("Change what a tracker at PayPal says is in the parcel, or whether the payer is told.")
    async def update_order_tracker(
        self,
        info: Info[Context],
        input: Annotated[UpdateOrderTrackerInput, strawberry.argument(description="Which tracker, and what changes.")],
    ) -> UpdateOrderTrackerPayload | None:
        return await attempt(info, CHANGE, input, tracker_id=input.tracking_id)

    @resolved("Call a tracker at PayPal off, which cannot be undone.")
    async def cancel_order_tracker(
        self,
        info: Info[Context],
        input: Annotated[CancelOrderTrackerInput, strawberry.argument(description="Which tracker.")],
    ) -> CancelOrderTrackerPayload | None:
        return await attempt(info, CANCELLATION, input, tracker_id=input.tracking_id)
