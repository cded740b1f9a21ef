"""Writes about payments: trackers at PayPal."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.identity import OrderKey
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.orders.writes import PAYPAL_ORDER_ID
from gateway.schema.constraints import draft
from gateway.schema.context import Context
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.fields import resolved
from gateway.schema.mutations.attempt import attempt, misnamed, tracking_id
from gateway.schema.payment_inputs import (
    CancelOrderTrackerInput,
    CreateOrderTrackerInput,
    UpdateOrderTrackerInput,
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

_BY_ID = {"paypal_order_id": "trackingId", "tracker_id": "trackingId"}

CREATION = Terms(CreateOrderTrackerInput, named_by="paypalOrderId")
CHANGE = Terms(
    UpdateOrderTrackerInput, named_by="trackingId", missing=ErrorCode.TRACKING_NOT_FOUND.value, renamed=_BY_ID
)
CANCELLATION = Terms(
    CancelOrderTrackerInput, named_by="trackingId", missing=ErrorCode.TRACKING_NOT_FOUND.value, renamed=_BY_ID
)


@strawberry.type
class PaymentMutations:
    @resolved("Add a tracker to a captured payment at PayPal: it tells the payer, and proves shipment.")
    async def create_order_tracker(
        self,
        info: Info[Context],
        input: Annotated[CreateOrderTrackerInput, strawberry.argument(description="The tracker.")],
    ) -> CreateOrderTrackerPayload | None:
        shop = info.context.shop(input.shop)

        async def write() -> CreateOrderTrackerPayload:
            identity, made = await info.context.order_tracker_writes.create(shop, draft(OrderTrackerDraft, input))
            part = ProviderPart.told(made, info.context.now())
            tracker = OrderTracker(model=made, loaded=LoadedOrder(shop, identity, None, {made.provider: part}, ()))
            key = OrderKey(PAYPAL_ORDER_ID, input.paypal_order_id)
            return CreateOrderTrackerPayload(shop=shop, key=key, user_errors=[], tracker=tracker)

        return await attempt(
            info, shop, CREATION, CreateOrderTrackerPayload, problems=check_tracker_draft(input), write=write
        )

    @resolved("Change what a tracker at PayPal says is in the parcel, or whether the payer is told.")
    async def update_order_tracker(
        self,
        info: Info[Context],
        input: Annotated[UpdateOrderTrackerInput, strawberry.argument(description="Which tracker, and what changes.")],
    ) -> UpdateOrderTrackerPayload | None:
        try:
            parsed = tracking_id(input.tracking_id, OrderTracker.__name__, input.shop)
        except ClientError as error:
            return UpdateOrderTrackerPayload(user_errors=[misnamed(error, "trackingId")])
        shop = info.context.shop(parsed.shop)
        order, tracker = map(str, parsed.parts)

        async def write() -> UpdateOrderTrackerPayload:
            items = None if input.items is None else tuple(draft(TrackerItem, item) for item in input.items)
            await info.context.order_tracker_writes.change(shop, order, tracker, items, input.notify_payer)
            key = OrderKey(PAYPAL_ORDER_ID, order)
            return UpdateOrderTrackerPayload(shop=shop, key=key, user_errors=[], tracker_id=str(parsed))

        return await attempt(
            info, shop, CHANGE, UpdateOrderTrackerPayload, problems=check_tracker_change(input), write=write
        )

    @resolved("Call a tracker at PayPal off, which cannot be undone.")
    async def cancel_order_tracker(
        self,
        info: Info[Context],
        input: Annotated[CancelOrderTrackerInput, strawberry.argument(description="Which tracker.")],
    ) -> CancelOrderTrackerPayload | None:
        try:
            parsed = tracking_id(input.tracking_id, OrderTracker.__name__, input.shop)
        except ClientError as error:
            return CancelOrderTrackerPayload(user_errors=[misnamed(error, "trackingId")])
        shop = info.context.shop(parsed.shop)
        order, tracker = map(str, parsed.parts)

        async def write() -> CancelOrderTrackerPayload:
            await info.context.order_tracker_writes.cancel(shop, order, tracker)
            key = OrderKey(PAYPAL_ORDER_ID, order)
            return CancelOrderTrackerPayload(shop=shop, key=key, user_errors=[], tracker_id=str(parsed))

        return await attempt(info, shop, CANCELLATION, CancelOrderTrackerPayload, problems=(), write=write)
