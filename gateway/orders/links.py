"""Linking references to orders, and taking links away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.freshness.cache import FreshCache
from gateway.freshness.keys import order_tag
from gateway.orders.directory import reference_kinds
from gateway.orders.shops import Shop
from gateway.store.links import Links
from providers.base import Clock, ReferenceKind
from providers.models import Reference

ORDER_NUMBER_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an input: a code, a text that says what to do, and the member it concerns."""

    code: str
    message: str
    member: str


class LinkService:
    """Changes links. Asks no provider; what is changed is read anew, in every worker."""

    def __init__(self, links: Links, cache: FreshCache, clock: Clock) -> None:
        self._links = links
        self._cache = cache
        self._clock = clock

    async def link(self, shop: Shop, order_number: str, reference: Reference) -> tuple[Problem, ...]:
        """Tie `reference` to the order, once however often it is asked; the problems when it cannot be."""
        problems = tuple(check_link(shop, order_number, reference))
        if problems:
            return problems
        _provider, kind = reference_kinds()[reference.kind]
        taken = await self._links.add(shop.slug, order_number, reference, self._clock(), shared=kind.shared)
        if taken:
            return (Problem("TAKEN", "This reference is linked to another order. Unlink it there first.", "value"),)
        await self._cache.invalidate([order_tag(shop.slug, order_number)])
        return ()

    async def unlink(self, shop: Shop, order_number: str, reference: Reference) -> tuple[Problem, ...]:
        """Take the link away; a problem when there is none."""
        problems = tuple(check_link(shop, order_number, reference))
        if problems:
            return problems
        if not await self._links.remove(shop.slug, order_number, reference):
            return (Problem("NOT_LINKED", "This reference is not linked to this order.", "value"),)
        await self._cache.invalidate([order_tag(shop.slug, order_number)])
        return ()


def check_link(shop: Shop, order_number: str, reference: Reference) -> Iterable[Problem]:
    """What is wrong with a link, before anything is stored."""
    yield from check_order_number(order_number)
    kinds = _linkable_kinds(reference.provider)
    if not kinds:
        yield Problem("UNKNOWN_PROVIDER", "No provider of this name takes links.", "provider")
    elif reference.provider not in shop.providers:
        yield Problem("PROVIDER_NOT_CONFIGURED", f"Shop {shop.slug} has not configured this provider.", "provider")
    elif reference.kind not in kinds:
        yield Problem("UNKNOWN_KIND", f"This provider takes links of kind {', '.join(sorted(kinds))}.", "kind")
    elif not re.fullmatch(kinds[reference.kind].pattern, reference.value):
        yield Problem(
            "BAD_USER_INPUT", f"This is no {kinds[reference.kind].title}: look it up at the provider.", "value"
        )


def check_order_number(order_number: str) -> Iterable[Problem]:
    """What is wrong with an order number that something is to be kept under."""
    if not order_number.strip() or len(order_number) > ORDER_NUMBER_LIMIT or not order_number.isprintable():
        yield Problem(
            "BAD_USER_INPUT", f"An order number is 1 to {ORDER_NUMBER_LIMIT} printable characters.", "orderNumber"
        )


def _linkable_kinds(provider: str) -> dict[str, ReferenceKind]:
    return {name: kind for name, (owner, kind) in reference_kinds().items() if owner == provider and kind.linkable}
