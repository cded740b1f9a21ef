"""Asks Karla for orders, and tells it of orders and their parcels.

Knows methods, paths and parameters of the Karla API reference (Orders); what the answers mean is `mapping.py`'s, what
the refusals mean `refusals.py`'s, and how a draft is written `drafts.py`'s. Karla has no call for a single order, so
finding one is a search with a filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import JsonValue, ValidationError

from providers.base import ProviderContext
from providers.drafts import OrderChange, OrderDraft, OrderUpsert, ShipmentChange
from providers.errors import AmbiguousReference, InvalidProviderResponse, OrderNotFound
from providers.http import ProviderHttp, Refine, Reply
from providers.karla.drafts import to_json
from providers.karla.mapping import to_order, to_orders, to_tracking
from providers.karla.profile import PROFILE
from providers.karla.refusals import refusal_of
from providers.karla.settings import KarlaSettings
from providers.karla.wire import ORDER_ANSWER, SEARCH_ANSWER, SHOP_ANSWER, TRACKING_ANSWER, WRITTEN_ANSWER
from providers.models import CarrierTracking, Order, OrderSearch, Reference

FIND_PAGE_SIZE = 10
"""Room to see that a name is ambiguous, without reading a whole page of a shop that reuses its numbers."""

PARAMETERS: Mapping[str, str] = {
    "email_id": "email_id",
    "external_id": "external_id",
    "order_name": "order_name",
    "order_number": "order_number",
    "uuid": "uuid",
    "zip_code": "zip_code",
    "placed_from": "order_placed_from",
    "placed_to": "order_placed_to",
    "shipment_updated_since": "shipment_updated_since",
}
"""Our filter -> Karla's query parameter (Karla API reference, Search Orders)."""

_ORDERS = SEARCH_ANSWER.then(to_orders)
_ORDER = ORDER_ANSWER.then(to_order)
_TRACKING = TRACKING_ANSWER.then(to_tracking)


class KarlaAdapter:
    """An `OrderSource` and `OrderSink` over one Karla shop."""

    profile = PROFILE

    def __init__(self, settings: KarlaSettings, context: ProviderContext) -> None:
        self._http = ProviderHttp(PROFILE.name, context.client, context.clock)
        self._auth = httpx.BasicAuth(settings.username or settings.slug, settings.api_key.get_secret_value())
        self._slug = settings.slug

    async def find_order(self, reference: Reference) -> Order:
        """The one order that has exactly this name. See `OrderSource.find_order`.

        Raises `InvalidProviderResponse` when a full page holds nothing but other orders: the search has not filtered,
        and "not found" would be a guess.
        """
        operation = "find_order"
        orders = await self._search(
            operation, _search_by(reference), 1, FIND_PAGE_SIZE, refine=refusal_of(operation, of_order=True)
        )
        exact = [order for order in orders if _has_name(order, reference)]
        if len(exact) == 1:
            return exact[0]
        if exact:
            external_ids = tuple(order.external_id for order in exact if order.external_id)
            raise AmbiguousReference(PROFILE.name, operation, external_ids)
        if len(orders) >= FIND_PAGE_SIZE:
            raise InvalidProviderResponse(PROFILE.name, operation, "unfiltered")
        raise OrderNotFound(PROFILE.name, operation)

    async def search_orders(self, search: OrderSearch, page: int, page_size: int) -> tuple[Order, ...]:
        """Page `page` (from 1) of the orders that match, in Karla's order. See `OrderSource.search_orders`.

        Raises `InvalidProviderResponse` when one of them has no name at all: left out, it would shorten the page.
        """
        operation = "search_orders"
        orders = await self._search(operation, search, page, page_size, refine=refusal_of(operation))
        if any(order.has_no_name for order in orders):
            raise InvalidProviderResponse(PROFILE.name, operation, "nameless_order")
        return orders

    async def check(self) -> str:
        """Read the shop itself, which needs no more than valid credentials."""
        reply = await self._http.call("check", "GET", self._path(), auth=self._auth, refine=refusal_of("check"))
        self._http.read("check", reply, SHOP_ANSWER)
        return f"credentials accepted for shop {self._slug}"

    async def place_order(self, draft: OrderDraft) -> None:
        """Place a new order (Place Order). See `OrderSink.place_order`.

        As in the other writes that answer nothing, 200 is success whatever the body says (the reference shows `null`);
        a body that is not JSON is not Karla's and raises `InvalidProviderResponse`.
        """
        refine = refusal_of("place_order", draft=OrderDraft)
        await self._tell("place_order", "POST", self._path("orders"), to_json(draft), refine)

    async def upsert_order(self, upsert: OrderUpsert) -> None:
        """Bring an order to this state (Upsert Order). See `OrderSink.upsert_order`."""
        refine = refusal_of("upsert_order", of_order=True, draft=OrderUpsert)
        await self._tell("upsert_order", "PUT", self._path("orders"), to_json(upsert), refine)

    async def update_order(self, uuid: str, change: OrderChange) -> Order:
        """Change an order, named by Karla's UUID (Update Order). See `OrderSink.update_order`.

        Raises `InvalidProviderResponse` when the order that comes back has no name at all.
        """
        operation = "update_order"
        path = self._path("orders", _uuid(operation, uuid))
        refine = refusal_of(operation, of_order=True, draft=OrderChange)
        reply = await self._write(operation, "PATCH", path, to_json(change), refine)
        order = self._http.read(operation, reply, _ORDER)
        if order.has_no_name:
            raise InvalidProviderResponse(PROFILE.name, operation, "nameless_order")
        return order

    async def update_shipment(self, order_uuid: str, shipment_id: str, change: ShipmentChange) -> CarrierTracking:
        """Change a parcel, named by Karla's ids (Update Order Shipment). See `OrderSink.update_shipment`.

        The products of the answer are priced in no currency: a shipment names none.
        """
        operation = "update_shipment"
        order_id, shipment = _uuid(operation, order_uuid), _uuid(operation, shipment_id)
        path = self._path("orders", order_id, "shipments", shipment)
        refine = refusal_of(operation, of_order=True, draft=ShipmentChange)
        reply = await self._write(operation, "PATCH", path, to_json(change), refine)
        return self._http.read(operation, reply, _TRACKING)

    async def fulfill_orders(self, upserts: tuple[OrderUpsert, ...]) -> None:
        """Bring several orders to this state (Fulfill Orders). See `OrderSink.fulfill_orders`."""
        refine = refusal_of("fulfill_orders", of_order=True, draft=OrderUpsert)
        body: JsonValue = [to_json(upsert) for upsert in upserts]
        await self._tell("fulfill_orders", "PUT", self._path("orders", "bulk"), body, refine)

    async def _search(
        self, operation: str, search: OrderSearch, page: int, page_size: int, *, refine: Refine
    ) -> tuple[Order, ...]:
        reply = await self._http.call(
            operation,
            "GET",
            self._path("orders"),
            params={**_parameters(search), "page": page, "per_page": page_size},
            auth=self._auth,
            refine=refine,
        )
        return self._http.read(operation, reply, _ORDERS)

    async def _tell(self, operation: str, method: str, path: str, body: JsonValue, refine: Refine) -> None:
        reply = await self._write(operation, method, path, body, refine)
        self._http.read(operation, reply, WRITTEN_ANSWER)

    async def _write(self, operation: str, method: str, path: str, body: JsonValue, refine: Refine) -> Reply:
        return await self._http.call(operation, method, path, json=body, auth=self._auth, refine=refine)

    def _path(self, *segments: str) -> str:
        return "/".join(("/v1/shops", quote(self._slug, safe=""), *segments))


def _search_by(reference: Reference) -> OrderSearch:
    """The filter on one name. A value that no order can have as that name (a `uuid` that is none) belongs to none."""
    try:
        return OrderSearch.model_validate({reference.kind: reference.value})
    except ValidationError as error:
        raise OrderNotFound(PROFILE.name, "find_order") from error


def _uuid(operation: str, text: str) -> str:
    """`text` as it stands in a path. A text that is no UUID is the id of no order or parcel."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise OrderNotFound(PROFILE.name, operation) from error


def _parameters(search: OrderSearch) -> dict[str, str]:
    """The filters that are set, as Karla calls them; date-times in ISO 8601 with their offset."""
    filters = ((parameter, getattr(search, name)) for name, parameter in PARAMETERS.items())
    return {
        parameter: value.isoformat() if isinstance(value, datetime) else str(value)
        for parameter, value in filters
        if value is not None
    }


def _has_name(order: Order, reference: Reference) -> bool:
    name = getattr(order, reference.kind)
    value = reference.value.lower() if reference.kind == "uuid" else reference.value
    return name is not None and str(name) == value
