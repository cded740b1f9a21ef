"""Writes about orders and their parcels, at Karla."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.identity import OrderIdentity, OrderKey, OrderName
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.orders.shops import Shop
from gateway.schema.constraints import draft
from gateway.schema.context import Context
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.fields import resolved
from gateway.schema.inputs import to_key
from gateway.schema.mutations.attempt import attempt, misnamed, tracking_id
from gateway.schema.order_inputs import (
    FulfillOrdersInput,
    PlaceOrderInput,
    UpdateOrderInput,
    UpdateShipmentInput,
    UpsertOrderInput,
    check_fulfilment,
    check_order_change,
    check_placing,
    check_shipment_change,
    check_upsert,
)
from gateway.schema.refusals import Terms
from gateway.schema.types.payloads import (
    FulfillOrdersPayload,
    PlaceOrderPayload,
    UpdateOrderPayload,
    UpdateShipmentPayload,
    UpsertOrderPayload,
)
from gateway.schema.types.tracking import CarrierTracking
from providers import models
from providers.drafts import OrderChange, OrderDraft, OrderUpsert, ShipmentChange

PLACING = Terms(PlaceOrderInput)
UPSERT = Terms(UpsertOrderInput, named_by="reference")
FULFILMENT = Terms(FulfillOrdersInput, named_by="orders", below="orders")
ORDER_CHANGE = Terms(UpdateOrderInput, named_by="order", renamed={"uuid": "order"})
SHIPMENT_CHANGE = Terms(
    UpdateShipmentInput,
    named_by="trackingId",
    missing=ErrorCode.TRACKING_NOT_FOUND.value,
    renamed={"order_uuid": "trackingId", "shipment_id": "trackingId"},
)


@strawberry.type
class OrderMutations:
    @resolved("Place a new order at Karla. Refused with `ALREADY_EXISTS` when there is one of this name.")
    async def place_order(
        self,
        info: Info[Context],
        input: Annotated[PlaceOrderInput, strawberry.argument(description="The order.")],
    ) -> PlaceOrderPayload | None:
        shop = info.context.shop(input.shop)

        async def write() -> PlaceOrderPayload:
            key = await info.context.order_writes.place(shop, draft(OrderDraft, input))
            return PlaceOrderPayload(shop=shop, key=key, user_errors=[])

        return await attempt(info, shop, PLACING, PlaceOrderPayload, problems=check_placing(input), write=write)

    @resolved("Bring an order at Karla to this state, new or not. The same once more changes nothing.")
    async def upsert_order(
        self,
        info: Info[Context],
        input: Annotated[UpsertOrderInput, strawberry.argument(description="The order, and its parcels.")],
    ) -> UpsertOrderPayload | None:
        shop = info.context.shop(input.shop)

        async def write() -> UpsertOrderPayload:
            key = await info.context.order_writes.upsert(shop, draft(OrderUpsert, input))
            return UpsertOrderPayload(shop=shop, key=key, user_errors=[])

        return await attempt(info, shop, UPSERT, UpsertOrderPayload, problems=check_upsert(input), write=write)

    @resolved("Change an order at Karla.")
    async def update_order(
        self,
        info: Info[Context],
        input: Annotated[UpdateOrderInput, strawberry.argument(description="Which order, and what changes.")],
    ) -> UpdateOrderPayload | None:
        try:
            asked, slug = to_key(input.order, input.shop)
        except ClientError as error:
            return UpdateOrderPayload(user_errors=[misnamed(error, "order")])
        shop = info.context.shop(slug)

        async def write() -> UpdateOrderPayload:
            key = await info.context.order_writes.update(shop, asked, draft(OrderChange, input))
            return UpdateOrderPayload(shop=shop, key=key, user_errors=[])

        return await attempt(
            info, shop, ORDER_CHANGE, UpdateOrderPayload, problems=check_order_change(input), write=write
        )

    @resolved("Change a parcel at Karla.")
    async def update_shipment(
        self,
        info: Info[Context],
        input: Annotated[UpdateShipmentInput, strawberry.argument(description="Which parcel, and what changes.")],
    ) -> UpdateShipmentPayload | None:
        try:
            parsed = tracking_id(input.tracking_id, CarrierTracking.__name__, input.shop)
        except ClientError as error:
            return UpdateShipmentPayload(user_errors=[misnamed(error, "trackingId")])
        shop = info.context.shop(parsed.shop)
        number, shipment = map(str, parsed.parts)

        async def write() -> UpdateShipmentPayload:
            change = draft(ShipmentChange, input)
            identity, tracking = await info.context.order_writes.update_shipment(shop, number, shipment, change)
            key = OrderKey(OrderName.NUMBER.value, number)
            parcel = _parcel(info.context, shop, identity, tracking)
            return UpdateShipmentPayload(shop=shop, key=key, user_errors=[], tracking=parcel)

        return await attempt(
            info, shop, SHIPMENT_CHANGE, UpdateShipmentPayload, problems=check_shipment_change(input), write=write
        )

    @resolved("Bring up to 100 orders at Karla to their states, all or none.")
    async def fulfill_orders(
        self,
        info: Info[Context],
        input: Annotated[FulfillOrdersInput, strawberry.argument(description="The orders, and their parcels.")],
    ) -> FulfillOrdersPayload | None:
        shop = info.context.shop(input.shop)

        async def write() -> FulfillOrdersPayload:
            upserts = tuple(draft(OrderUpsert, order) for order in input.orders)
            keys = await info.context.order_writes.fulfill(shop, upserts)
            return FulfillOrdersPayload(shop=shop, keys=keys, user_errors=[])

        return await attempt(
            info, shop, FULFILMENT, FulfillOrdersPayload, problems=check_fulfilment(input), write=write
        )


def _parcel(context: Context, shop: Shop, identity: OrderIdentity, tracking: models.CarrierTracking) -> CarrierTracking:
    """A parcel that its provider just told of."""
    part = ProviderPart.told(tracking, context.now())
    return CarrierTracking(model=tracking, loaded=LoadedOrder(shop, identity, None, {tracking.provider: part}, ()))
