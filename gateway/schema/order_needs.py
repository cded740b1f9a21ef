"""What each field of an order needs: the one table between the published schema and the loads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from strawberry import Info

from gateway.freshness.derived import Derived
from gateway.orders.needs import Need, Part
from gateway.schema.selection import SelectedField, Selection, keys_of, selection_below
from providers.registry import provider_specs

ORDER_TYPE = "Order"

FIELD_PARTS: Mapping[str, Part | None] = {
    "id": None,
    "shop": None,
    "sources": None,
    "masked": None,
    "__typename": None,
    "references": Part.REFERENCES,
    "orderNumber": Part.ORDER_NUMBER,
    "orderName": Part.ORDER_NAME,
    "externalId": Part.EXTERNAL_ID,
    "uuid": Part.UUID,
    "status": Part.DETAILS,
    "placedAt": Part.DETAILS,
    "totalPrice": Part.DETAILS,
    "shippingPrice": Part.DETAILS,
    "subTotalPrice": Part.DETAILS,
    "discountPrice": Part.DETAILS,
    "currency": Part.DETAILS,
    "products": Part.DETAILS,
    "discounts": Part.DETAILS,
    "address": Part.DETAILS,
    "emailId": Part.DETAILS,
    "externalCustomerId": Part.DETAILS,
    "segments": Part.DETAILS,
    "weightGrams": Part.DETAILS,
    "statusUrl": Part.DETAILS,
    "merchantSlug": Part.DETAILS,
    "preferredDelivery": Part.DETAILS,
    "userAgent": Part.DETAILS,
    "analytics": Part.DETAILS,
    "expectedShipments": Part.DETAILS,
    "trackings": Part.TRACKINGS,
    "events": Part.TRACKINGS,
    "eventCount": Part.TRACKINGS,
    "latestEvent": Part.TRACKINGS,
    "estimatedArrivals": Part.TRACKINGS,
    "estimatedArrival": Part.ESTIMATE,
    "deliveryStatus": Part.STATUS,
}
"""Every field of `Order`; None asks nobody. A test compares it with the published type."""


@dataclass(frozen=True, slots=True)
class SelectedNeeds:
    """The needs of one selection on an order, each with the keys of the fields that have it."""

    fields: tuple[tuple[str, Need], ...]
    needs: tuple[Need, ...] = field(init=False)
    """Each need once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", tuple(dict.fromkeys(need for _key, need in self.fields)))


def needs_below(info: Info[Any]) -> SelectedNeeds:
    """What is selected on the order that the field being resolved answers; read once for a document where possible."""
    raw = info._raw_info
    read_ahead: Derived = info.context.read_ahead
    return read_ahead.of((ORDER_TYPE, *keys_of(raw)), lambda: needs_of(selection_below(raw, ORDER_TYPE)))


def needs_of(selection: Selection) -> SelectedNeeds:
    """What a selection on `Order` needs."""
    needs = [(field.response_key, _need_of(field)) for field in selection.fields()]
    return SelectedNeeds(tuple((key, need) for key, need in needs if need))


@lru_cache(maxsize=64)
def _plain_need(field: str) -> Need:
    part = FIELD_PARTS[field]
    if part is None:
        raise KeyError(field)
    return Need(part)


def need_for(field: str, providers: Collection[str] | None = None) -> Need:
    """The need of an order's field called with `providers`. Raises `KeyError` for a field that asks nobody.

    Names that no provider has are left out, since they ask nobody; the field's resolver refuses them. So there are few
    needs, whatever clients name, and equal ones of a field are one object: much is remembered by them.
    """
    if providers is None:
        return _plain_need(field)
    return _chosen_need(field, frozenset(provider_specs()).intersection(providers))


@lru_cache(maxsize=1024)
def _chosen_need(field: str, providers: frozenset[str]) -> Need:
    return Need(_plain_need(field).part, providers)


def all_needs(selections: Iterable[SelectedNeeds]) -> tuple[Need, ...]:
    """Each need of several selections on the same order once."""
    return tuple(dict.fromkeys(need for selected in selections for need in selected.needs))


def _need_of(field: SelectedField) -> Need | None:
    return need_for(field.name, field.arguments.get("providers")) if FIELD_PARTS[field.name] else None
