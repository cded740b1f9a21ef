"""Writes about orders and their parcels, at Karla."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.attempts import Attempt
from gateway.orders.idempotency import Made
from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.shops import Shop
from gateway.schema.constraints import draft
from gateway.schema.context import Context
from gateway.schema.errors import ErrorCode
from gateway.schema.fields import resolved
from gateway.schema.ids import GlobalId
from gateway.schema.inputs import to_key
from gateway.schema.mutations.attempt import MutationSpec, attempt, id_of, in_any_shop, named
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
from providers.drafts import OrderChange, OrderDraft, OrderUpsert, ShipmentChange


async def _place(info: Info[Context], shop: Shop, given: PlaceOrderInput, attempt: Attempt) -> Made:
    return Made(orders=named(await info.context.order_writes.place(shop, draft(OrderDraft, given), attempt)))


async def _upsert(info: Info[Context], shop: Shop, given: UpsertOrderInput, _attempt: Attempt) -> Made:
    return Made(orders=named(await info.context.order_writes.upsert(shop, draft(OrderUpsert, given))))


async def _fulfill(info: Info[Context], shop: Shop, given: FulfillOrdersInput, _attempt: Attempt) -> Made:
    upserts = tuple(draft(OrderUpsert, order) for order in given.orders)
    return Made(orders=named(*await info.context.order_writes.fulfill(shop, upserts)))


async def _update(info: Info[Context], shop: Shop, given: UpdateOrderInput, _attempt: Attempt) -> Made:
    asked, _slug = to_key(given.order, given.shop)
    return Made(orders=named(await info.context.order_writes.update(shop, asked, draft(OrderChange, given))))


async def _update_shipment(info: Info[Context], shop: Shop, given: UpdateShipmentInput, _attempt: Attempt) -> Made:
    number, shipment = map(str, _shipment_id(given).parts)
    change = draft(ShipmentChange, given)
    _identity, tracking = await info.context.order_writes.update_shipment(shop, number, shipment, change)
    return Made(orders=named(OrderKey(OrderName.NUMBER.value, number)), tracking=tracking)


def _shipment_id(given: UpdateShipmentInput) -> GlobalId:
    return id_of(given.tracking_id, CarrierTracking.__name__, given.shop)


PLACING = MutationSpec(Terms(PlaceOrderInput), PlaceOrderPayload, check=in_any_shop(check_placing), make=_place)
UPSERT = MutationSpec(
    Terms(UpsertOrderInput, named_by="reference"),
    UpsertOrderPayload,
    check=in_any_shop(check_upsert),
    make=_upsert,
)
FULFILMENT = MutationSpec(
    Terms(FulfillOrdersInput, named_by="orders", below="orders"),
    FulfillOrdersPayload,
    check=in_any_shop(check_fulfilment),
    make=_fulfill,
)
ORDER_CHANGE = MutationSpec(
    Terms(UpdateOrderInput, named_by="order", renamed={"uuid": "order"}),
    UpdateOrderPayload,
    check=in_any_shop(check_order_change),
    make=_update,
    shop_of=lambda given: to_key(given.order, given.shop)[1],
)
SHIPMENT_CHANGE = MutationSpec(
    Terms(
        UpdateShipmentInput,
        named_by="trackingId",
        missing=ErrorCode.TRACKING_NOT_FOUND.value,
        renamed={"order_uuid": "trackingId", "shipment_id": "trackingId"},
    ),
    UpdateShipmentPayload,
    check=in_any_shop(check_shipment_change),
    make=_update_shipment,
    shop_of=lambda given: _shipment_id(given).shop,
)


@strawberry.type
class OrderMutations:
    @resolved("Place a new order at Karla. Refused with `ALREADY_EXISTS` when there is one of this name.")
    async def place_order(
        self,
        info: Info[Context],
        input: Annotated[PlaceOrderInput, strawberry.argument(description="The order.")],
    ) -> PlaceOrderPayload | None:
        return await attempt(info, PLACING, input)

    @resolved("Bring an order at Karla to this state, new or not. The same once more changes nothing.")
    async def upsert_order(
        self,
        info: Info[Context],
        input: Annotated[UpsertOrderInput, strawberry.argument(description="The order, and its parcels.")],
    ) -> UpsertOrderPayload | None:
        return await attempt(info, UPSERT, input)

    @resolved("Change an order at Karla.")
    async def update_order(
        self,
        info: Info[Context],
        input: Annotated[UpdateOrderInput, strawberry.argument(description="Which order, and what changes.")],
    ) -> UpdateOrderPayload | None:
        return await attempt(info, ORDER_CHANGE, input)

    @resolved("Change a parcel at Karla.")
    async def update_shipment(
        self,
        info: Info[Context],
        input: Annotated[UpdateShipmentInput, strawberry.argument(description="Which parcel, and what changes.")],
    ) -> UpdateShipmentPayload | None:
        return await attempt(info, SHIPMENT_CHANGE, input)

    @resolved("Bring up to 100 orders at Karla to their states, all or none.")
    async def fulfill_orders(
        self,
        info: Info[Context],
        input: Annotated[FulfillOrdersInput, strawberry.argument(description="The orders, and their parcels.")],
    ) -> FulfillOrdersPayload | None:
        return await attempt(info, FULFILMENT, input)
