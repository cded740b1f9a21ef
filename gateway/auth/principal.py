"""A principal: who asks, about which shops, and what for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.orders.identity import OrderKey


class Scope(StrEnum):
    """What a principal may do in its shops; the values are what tokens and the command `keys` say.

    Each stands for itself alone, but for `admin`, which holds all others.
    """

    ORDERS_READ = "orders:read"
    ORDERS_SEARCH = "orders:search"
    ORDERS_WRITE = "orders:write"
    PERSONAL_READ = "personal:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class OneOrder:
    """The one order of one shop that an order token is for. `names` are all that it may be asked by."""

    shop: str
    names: frozenset[OrderKey]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `shops` are slugs; None stands for every shop that there is.

    With `order` set, that order is all that the principal may read, whatever its scopes are. `identity` tells those
    apart whose requests are counted, as names do not; it is empty where nobody can tell, and never shown.
    """

    name: str
    shops: frozenset[str] | None
    scopes: frozenset[Scope]
    order: OneOrder | None = None
    identity: str = field(default="", compare=False, repr=False)

    def may(self, scope: Scope) -> bool:
        """Whether the principal holds `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def reaches(self, shop: str, *keys: OrderKey) -> bool:
        """Whether an order of `shop`, which `keys` name, is not beyond the one that the principal is bound to."""
        if self.order is None:
            return True
        return shop == self.order.shop and not self.order.names.isdisjoint(keys)


ANYONE = Principal("anyone", None, frozenset({Scope.ADMIN}))
"""Everybody, where `auth.mode` is `none`; and the commands, which whoever runs the gateway gives."""


def order_reader(name: str, order: OneOrder, *, personal: bool) -> Principal:
    """The principal of an order token: it reads `order`, with its personal data or without, and does nothing else."""
    scopes = {Scope.ORDERS_READ, Scope.PERSONAL_READ} if personal else {Scope.ORDERS_READ}
    # Not by the token: a shop mints one for each page, and a signature may be written in several ways.
    identity = " ".join(["order", order.shop, *sorted(f"{key.kind}={key.value}" for key in order.names)])
    return Principal(name, frozenset({order.shop}), frozenset(scopes), order, identity)
