"""From the claims of a JWT that was verified to a principal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.auth.errors import NotAuthenticated
from gateway.auth.principal import OneOrder, Principal, Scope, order_reader
from gateway.auth.settings import JwtSettings
from gateway.orders.identity import OrderKey

ORDER_NAMES: Final[Mapping[str, str]] = {
    "orderNumber": "order_number",
    "orderName": "order_name",
    "externalId": "external_id",
    "uuid": "uuid",
    "paypalOrderId": "paypal_order_id",
    "invoiceNumber": "invoice_number",
    "orderHandle": "order_handle",
}
"""What the claim about one order may call it by, and the kind of key that each is. A tracking number is left out: it
may be on several orders, and on another one tomorrow."""

ALL_SHOPS: Final = "*"

_SCOPES = {scope.value: scope for scope in Scope}


def principal_of(claims: Mapping[str, Any], settings: JwtSettings) -> Principal:
    """Who the verified `claims` speak of. Raises `NotAuthenticated` when they say it in no form that is documented.

    A claim that is there and cannot be read never makes a token worth more than a readable one would be.
    """
    name = claims.get("sub")
    shops = _shops_of(claims.get(settings.shops_claim))
    scopes = _scopes_of(claims.get(settings.scope_claim))
    shown = name if isinstance(name, str) else "jwt"
    if settings.order_claim not in claims:
        return Principal(shown, shops, scopes, identity=f"jwt {shown}")
    if shops is None or len(shops) != 1:
        raise NotAuthenticated("A token for one order must name one shop.")
    (shop,) = shops
    order = OneOrder(shop, names_of(claims[settings.order_claim]))
    return order_reader(shown, order, personal=Scope.PERSONAL_READ in scopes)


def names_of(claim: object) -> frozenset[OrderKey]:
    """The keys that a claim about one order holds. Raises `NotAuthenticated` when it is none."""
    if not isinstance(claim, dict) or not claim:
        raise _unreadable()
    if any(name not in ORDER_NAMES or not isinstance(value, str) or not value for name, value in claim.items()):
        raise _unreadable()
    return frozenset(OrderKey(ORDER_NAMES[name], value) for name, value in claim.items())


def claim_of(names: frozenset[OrderKey]) -> dict[str, str]:
    """The claim that says `names`."""
    claimed = {kind: name for name, kind in ORDER_NAMES.items()}
    return {claimed[key.kind]: key.value for key in names}


def _shops_of(claim: object) -> frozenset[str] | None:
    if claim is None:
        return frozenset()
    if not isinstance(claim, list) or not all(isinstance(shop, str) for shop in claim):
        raise _unreadable()
    return None if claim == [ALL_SHOPS] else frozenset(claim)


def _scopes_of(claim: object) -> frozenset[Scope]:
    words = claim.split() if isinstance(claim, str) else claim or []
    if not isinstance(words, list):
        raise _unreadable()
    return frozenset(_SCOPES[word] for word in words if isinstance(word, str) and word in _SCOPES)


def _unreadable() -> NotAuthenticated:
    return NotAuthenticated("The token holds a claim that cannot be read.")
