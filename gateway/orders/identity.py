"""What an order is called: its own names, and the references that tie it to other systems."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from providers.models import Order, Reference


class OrderName(StrEnum):
    """The names that an order source gives an order; the values are its reference kinds and the rules' placeholders."""

    NUMBER = "order_number"
    NAME = "order_name"
    EXTERNAL_ID = "external_id"
    UUID = "uuid"


class ReferenceOrigin(StrEnum):
    """How we know a reference: a rule of the settings, a link in the store, or a provider's own word."""

    RULE = "RULE"
    LINK = "LINK"
    PROVIDER = "PROVIDER"


@dataclass(frozen=True, slots=True)
class KnownReference:
    reference: Reference
    origin: ReferenceOrigin


@dataclass(frozen=True, slots=True)
class OrderKey:
    """What an order is asked by. `kind` is an `OrderName`, a provider's reference kind, or `tracking_number`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class OrderIdentity:
    """Everything that is known about an order's names without asking a provider again.

    `told` are references that providers stated; `given` is the reference it was asked by, when that is no name of its
    own and no link leads from it to an order.
    """

    shop: str
    order_number: str | None = None
    order_name: str | None = None
    external_id: str | None = None
    uuid: str | None = None
    given: Reference | None = None
    told: tuple[Reference, ...] = ()

    def name(self, name: OrderName) -> str | None:
        value: str | None = getattr(self, name.value)
        return value

    def named(self, name: OrderName, value: str) -> OrderIdentity:
        """The same order with one more name known."""
        changes: dict[str, Any] = {name.value: value}
        return replace(self, **changes)

    @property
    def names(self) -> dict[str, str | None]:
        """The order's own names, by the placeholders of the rules: every `OrderName`, in that order."""
        return {
            "order_number": self.order_number,
            "order_name": self.order_name,
            "external_id": self.external_id,
            "uuid": self.uuid,
        }

    @property
    def best_name(self) -> OrderKey | None:
        """The first of the order's own names that is known: the number before all others, as copies are kept by it."""
        return next((OrderKey(name, value) for name, value in self.names.items() if value is not None), None)

    @property
    def keys(self) -> tuple[OrderKey, ...]:
        """Every key that is known to lead to this order alone: its own names, and what it was asked by."""
        named = tuple(OrderKey(kind, value) for kind, value in self.names.items() if value is not None)
        return (*named, OrderKey(self.given.kind, self.given.value)) if self.given else named

    @property
    def best_key(self) -> OrderKey:
        """The key that leads back to this order: its number whenever that is known."""
        own = self.best_name
        if own is not None:
            return own
        if self.given is None:
            raise ValueError("an order without any name cannot be asked for")
        return OrderKey(self.given.kind, self.given.value)

    def learnt_from(self, order: Order) -> OrderIdentity:
        """The same order with the names that its source tells."""
        return OrderIdentity(
            self.shop,
            order_number=order.order_number or self.order_number,
            order_name=order.order_name or self.order_name,
            external_id=order.external_id or self.external_id,
            uuid=str(order.uuid) if order.uuid else self.uuid,
            given=self.given,
            told=self.told,
        )

    def told_also(self, references: tuple[Reference, ...]) -> OrderIdentity:
        """The same order with more references that providers told."""
        new = tuple(reference for reference in references if reference not in self.told)
        return replace(self, told=self.told + new) if new else self


def names_of(order: Order) -> dict[str, str]:
    """The names that its source gives an order, by kind."""
    names = {
        "order_number": order.order_number,
        "order_name": order.order_name,
        "external_id": order.external_id,
        "uuid": str(order.uuid) if order.uuid else None,
    }
    return {kind: name for kind, name in names.items() if name}


def identity_of(shop: str, order: Order) -> OrderIdentity:
    """The identity of an order that its source has told everything about."""
    return OrderIdentity(shop).learnt_from(order)
