"""What clients pass in to ask: keys and filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from gateway.orders.directory import TRACKING_NUMBER
from gateway.orders.identity import OrderKey, OrderName
from gateway.schema.arguments import check_text
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import parse_id
from gateway.schema.order_needs import ORDER_TYPE
from gateway.schema.types.order import ID_KINDS, order_key_kind
from providers.models import OrderSearch

KEY_KINDS: Mapping[str, str] = {
    "order_number": OrderName.NUMBER.value,
    "order_name": OrderName.NAME.value,
    "external_id": OrderName.EXTERNAL_ID.value,
    "uuid": OrderName.UUID.value,
    "paypal_order_id": "paypal_order_id",
    "invoice_number": "invoice_number",
    "order_handle": "order_handle",
    "tracking_number": TRACKING_NUMBER,
}
"""The kind of key behind each field of `OrderBy` other than `id`."""


def _key(description: str) -> str | None:
    field: str | None = strawberry.field(default=UNSET, description=description)
    return field


@strawberry.input(one_of=True, description="What an order is asked by. Exactly one field.")
class OrderBy:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The order's global id.")
    order_number: str | None = _key("The shop's number of the order.")
    order_name: str | None = _key("The shop's name of the order.")
    external_id: str | None = _key("The shop system's id of the order.")
    uuid: UUID | None = strawberry.field(default=UNSET, description="Karla's id of the order.")
    paypal_order_id: str | None = _key("PayPal's id of an order that is linked to it.")
    invoice_number: str | None = _key("The invoice's number at Billink.")
    order_handle: str | None = _key("The order's handle at HyperTrack.")
    tracking_number: str | None = _key("A tracking number that this gateway has seen on the order.")


@strawberry.input(description="What orders are searched by: all of Karla's filters, of which every one must match.")
class OrderFilter:
    email_id: str | None = strawberry.field(default=None, description="The customer's e-mail address.")
    external_id: str | None = strawberry.field(default=None, description="The shop system's id.")
    order_name: str | None = strawberry.field(default=None, description="The shop's name of the order.")
    order_number: str | None = strawberry.field(default=None, description="The shop's number of the order.")
    uuid: UUID | None = strawberry.field(default=None, description="Karla's id of the order.")
    zip_code: str | None = strawberry.field(default=None, description="Postal code of the address.")
    placed_from: datetime | None = strawberry.field(default=None, description="Placed at this time or later.")
    placed_to: datetime | None = strawberry.field(default=None, description="Placed at this time or earlier.")
    shipment_updated_since: datetime | None = strawberry.field(
        default=None, description="A parcel changed at this time or later: the filter to poll with."
    )

    def to_search(self) -> OrderSearch:
        """The search that this asks for. Raises `ClientError` for a text that nothing can be called."""
        for name, value in vars(self).items():
            if isinstance(value, str):
                check_text(value, f"filter.{to_camel_case(name)}")
        return OrderSearch(**vars(self))


def to_key(by: OrderBy, shop: str | None) -> tuple[OrderKey, str | None]:
    """The key in `by`, and the shop that it names or that was asked for. Raises `ClientError`."""
    if by.id is not UNSET and by.id is not None:
        return key_of_id(by.id, shop)
    for field, kind in KEY_KINDS.items():
        value = getattr(by, field)
        if value is not UNSET and value is not None:
            return OrderKey(kind, check_text(str(value), "by")), shop
    raise ClientError(ErrorCode.BAD_USER_INPUT, "`by` takes exactly one field with a value.")


def key_of_id(order_id: str, shop: str | None) -> tuple[OrderKey, str | None]:
    """The key and shop in an order's global id. Raises `ClientError` (BAD_ID)."""
    parsed = parse_id(order_id)
    kind, value, *_ = (*parsed.parts, "", "")
    if parsed.type_name != ORDER_TYPE or (shop is not None and shop != parsed.shop):
        raise ClientError(ErrorCode.BAD_ID, "This is not the id of an order of this shop.")
    key = OrderKey(order_key_kind(str(kind)), str(value))
    if key.kind not in KEY_KINDS.values() or kind in ID_KINDS:
        raise ClientError(ErrorCode.BAD_ID, "This id was not made by this gateway. Use an id from an earlier answer.")
    return key, parsed.shop
