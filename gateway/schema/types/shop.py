"""Shops."""

from __future__ import annotations

import strawberry

from gateway.orders import shops
from gateway.schema.fields import resolved
from gateway.schema.ids import GlobalId
from gateway.schema.types.nodes import Node
from gateway.schema.types.provider import Provider, provider_of


@strawberry.type(description="One shop of this gateway, with its own providers.")
class Shop(Node):
    shop: strawberry.Private[shops.Shop]

    @resolved("Global id; opaque, and the same whichever way it was reached.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(GlobalId("Shop", self.shop.slug, ())))

    @resolved("The shop's slug, as `shop` arguments take it.")
    def slug(self) -> str:
        return self.shop.slug

    @resolved("The shop's name for people.")
    def name(self) -> str | None:
        return self.shop.name

    @resolved("The providers that the shop has configured, most trusted first.")
    def providers(self) -> list[Provider]:
        return [provider_of(self.shop, name) for name in self.shop.providers]
