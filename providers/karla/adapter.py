"""Asks Karla: one order by one of its names, and pages of orders.

Knows methods, paths and parameters of the Karla API reference (Orders, Search Orders); what the answers mean is
`mapping.py`'s. Karla has no call for a single order, so finding one is a search with a filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from providers.base import ProviderContext
from providers.errors import (
    AmbiguousReference,
    InvalidProviderResponse,
    OrderNotFound,
    ProviderError,
    RequestRejected,
)
from providers.http import REFUSED_REQUEST, ProviderHttp, Refine, Reply
from providers.karla.mapping import to_order
from providers.karla.profile import PROFILE
from providers.karla.settings import KarlaSettings
from providers.karla.wire import ERROR_BODY, SEARCH_ANSWER, SHOP_ANSWER
from providers.models import Order, OrderSearch, Reference

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

_SHOP_KEYS = frozenset({"shop_not_found", "shop_settings_not_found"})
"""Keys about the shop in the path: our settings are wrong, whatever was asked about an order."""


class KarlaAdapter:
    """An `OrderSource` over one Karla shop."""

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
        orders = await self._search(operation, _search_by(reference), 1, FIND_PAGE_SIZE, refine=_refusal_of_find)
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
        orders = await self._search(operation, search, page, page_size, refine=_refusal_of(operation))
        if any(order.has_no_name for order in orders):
            raise InvalidProviderResponse(PROFILE.name, operation, "nameless_order")
        return orders

    async def check(self) -> str:
        """Read the shop itself, which needs no more than valid credentials."""
        path = f"/v1/shops/{quote(self._slug, safe='')}"
        reply = await self._http.call("check", "GET", path, auth=self._auth, refine=_refusal_of("check"))
        self._http.read("check", reply, SHOP_ANSWER)
        return f"credentials accepted for shop {self._slug}"

    async def _search(
        self, operation: str, search: OrderSearch, page: int, page_size: int, *, refine: Refine
    ) -> tuple[Order, ...]:
        reply = await self._http.call(
            operation,
            "GET",
            f"/v1/shops/{quote(self._slug, safe='')}/orders",
            params={**_parameters(search), "page": page, "per_page": page_size},
            auth=self._auth,
            refine=refine,
        )
        return tuple(to_order(wire) for wire in self._http.read(operation, reply, SEARCH_ANSWER))


def _search_by(reference: Reference) -> OrderSearch:
    """The filter on one name. A value that no order can have as that name (a `uuid` that is none) belongs to none."""
    try:
        return OrderSearch.model_validate({reference.kind: reference.value})
    except ValidationError as error:
        raise OrderNotFound(PROFILE.name, "find_order") from error


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


def _refusal_of_find(reply: Reply) -> ProviderError | None:
    key = _error_key(reply)
    if key is not None and key.endswith("_not_found") and key not in _SHOP_KEYS:
        return OrderNotFound(PROFILE.name, "find_order")
    return RequestRejected(PROFILE.name, "find_order", provider_code=key) if key else None


def _refusal_of(operation: str) -> Refine:
    """How a refusal reads where no single order was asked for: never as "order not found"."""

    def refine(reply: Reply) -> ProviderError | None:
        if reply.status not in REFUSED_REQUEST:
            return None
        return RequestRejected(PROFILE.name, operation, provider_code=_error_key(reply))

    return refine


def _error_key(reply: Reply) -> str | None:
    """Karla's word for a refused request: its operations list 400 and 422, its errors page 404 and 409 as well."""
    error = reply.parse(ERROR_BODY) if reply.status in REFUSED_REQUEST else None
    return error.key if error else None
