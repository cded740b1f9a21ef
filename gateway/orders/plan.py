"""Whom some needs ask in one shop: worked out once, for however many orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.orders.identity import OrderIdentity
from gateway.orders.needs import NAME_PARTS, Need, Part
from gateway.orders.shops import Shop


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`providers` are those whose trackings `needs` name, most trusted first; a status walk asks by itself.

    `others` are the same without the order source, whose trackings come with its record.
    """

    needs: tuple[Need, ...]
    providers: tuple[str, ...]
    others: tuple[str, ...]
    statuses: tuple[Need, ...]
    wants_references: bool

    @classmethod
    def of(cls, shop: Shop, needs: Iterable[Need]) -> LoadPlan:
        """What `needs` come to in `shop`."""
        wanted = tuple(needs)
        return shop.derived.of(("plan", wanted), lambda: cls._made(shop, wanted))

    @classmethod
    def _made(cls, shop: Shop, wanted: tuple[Need, ...]) -> LoadPlan:
        providers = tuple(name for name in shop.tracking_providers if any(_asks(need, shop, name) for need in wanted))
        source = shop.order_source.profile.name if shop.order_source else None
        return cls(
            needs=wanted,
            providers=providers,
            others=tuple(name for name in providers if name != source),
            statuses=tuple(need for need in wanted if need.part is Part.STATUS),
            wants_references=any(need.part is Part.REFERENCES for need in wanted),
        )

    @property
    def needs_links(self) -> bool:
        """Whether it matters what the order is called elsewhere."""
        return bool(self.providers) or self.wants_references

    def needs_record(self, identity: OrderIdentity) -> bool:
        """Whether the order source is asked for an order of which no more than `identity` is known."""
        return len(self.others) < len(self.providers) or any(_is_of_record(need, identity) for need in self.needs)


def _asks(need: Need, shop: Shop, provider: str) -> bool:
    if need.part is Part.TRACKINGS:
        return need.names(provider)
    return need.part is Part.ESTIMATE and need.names(provider) and shop.providers[provider].profile.estimates_arrival


def _is_of_record(need: Need, identity: OrderIdentity) -> bool:
    if need.part is Part.DETAILS:
        return True
    name = NAME_PARTS.get(need.part)
    return name is not None and identity.name(name) is None
