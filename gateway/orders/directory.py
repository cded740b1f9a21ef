"""The directory of references: what an order is called in every system.

It knows three sources: rules from the settings (templates over the order's own names), links in the store, and what
providers themselves state. It asks no provider.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.orders.errors import KeyNotSupported, ReferenceNotIndexed, TrackingNumberAmbiguous
from gateway.orders.identity import KnownReference, OrderIdentity, OrderKey, OrderName, ReferenceOrigin
from gateway.orders.shops import Shop
from gateway.orders.sightings import Sightings
from gateway.store.links import Links
from providers.base import ReferenceKind
from providers.models import Reference
from providers.registry import provider_specs

TRACKING_NUMBER = "tracking_number"
"""The one key that is no provider's reference kind: it is looked up in our own index."""

_ORDER_NAMES = frozenset(name.value for name in OrderName)


class Directory:
    """The references of orders, for the time of one operation: the links of each are read once."""

    def __init__(self, links: Links, sightings: Sightings) -> None:
        self._links = links
        self._sightings = sightings
        self._read: dict[tuple[str, str], tuple[Reference, ...]] = {}

    @staticmethod
    def knows_without_store(key: OrderKey) -> bool:
        """Whether `identify` reads nothing for `key`: it is a name of the order's own."""
        return key.kind in _ORDER_NAMES

    async def identify(self, shop: Shop, key: OrderKey) -> OrderIdentity:
        """What is known of the order behind `key` without asking a provider.

        Raises `KeyNotSupported`, `ReferenceNotIndexed`, or `TrackingNumberAmbiguous`.
        """
        if key.kind in _ORDER_NAMES:
            return self._by_name(shop, OrderName(key.kind), key.value)
        if key.kind == TRACKING_NUMBER:
            return await self._by_tracking_number(shop, key.value)
        return await self._by_reference(shop, key)

    async def links(self, identity: OrderIdentity) -> tuple[Reference, ...]:
        """The references linked to the order in the store."""
        if identity.order_number is None:
            return ()
        order, read = (identity.shop, identity.order_number), self._read
        links = read.get(order)
        if links is None:
            links = read[order] = await self._links.of_order(*order)
        return links

    def forget_links(self) -> None:
        """Read links anew: one was just added or removed."""
        self._read = {}  # what is being read at this moment goes into the former one

    async def references(self, shop: Shop, identity: OrderIdentity) -> tuple[KnownReference, ...]:
        """Every reference of the order that is known, in a stable order: the strongest origin of each."""
        known: dict[Reference, ReferenceOrigin] = {}
        for reference in (*self._own_names(shop, identity), *identity.told):
            known.setdefault(reference, ReferenceOrigin.PROVIDER)
        for reference in await self.links(identity):
            known.setdefault(reference, ReferenceOrigin.LINK)
        for reference in _ruled(shop, identity):
            known.setdefault(reference, ReferenceOrigin.RULE)
        return tuple(KnownReference(reference, origin) for reference, origin in known.items())

    async def askable(self, shop: Shop, identity: OrderIdentity, provider: str) -> tuple[Reference, ...]:
        """The references by which `provider` can be asked about the order. A link of a kind replaces its rule."""
        finds_by = shop.providers[provider].profile.finds_by
        given = (identity.given,) if identity.given else ()
        linked = [reference for reference in await self.links(identity) if reference.provider == provider]
        linked_kinds = {reference.kind for reference in linked}
        ruled = [reference for reference in _ruled(shop, identity, provider) if reference.kind not in linked_kinds]
        candidates = (*given, *linked, *ruled, *identity.told)
        return tuple(
            dict.fromkeys(
                reference for reference in candidates if reference.provider == provider and reference.kind in finds_by
            )
        )

    def rule_lacks_name(self, shop: Shop, identity: OrderIdentity, provider: str) -> bool:
        """Whether a rule for `provider` needs a name of the order that is not known yet."""
        return any(
            rule.render(identity.names) is None
            for (ruled_provider, _kind), rule in shop.rules.items()
            if ruled_provider == provider
        )

    def _by_name(self, shop: Shop, name: OrderName, value: str) -> OrderIdentity:
        if name is not OrderName.NUMBER and shop.order_source is None:
            raise KeyNotSupported(f"No provider of shop {shop.slug!r} finds an order by this key.")
        return OrderIdentity(shop.slug).named(name, value)

    async def _by_tracking_number(self, shop: Shop, value: str) -> OrderIdentity:
        numbers = await self._sightings.find_order_numbers(shop.slug, value)
        if not numbers:
            raise ReferenceNotIndexed(
                "This tracking number has not been seen on an order yet. Ask by another key; "
                "the number is found from then on."
            )
        if len(numbers) > 1:
            raise TrackingNumberAmbiguous("Several orders have this tracking number.", orderNumbers=list(numbers))
        return OrderIdentity(shop.slug, order_number=numbers[0])

    async def _by_reference(self, shop: Shop, key: OrderKey) -> OrderIdentity:
        provider = provider_of_kind(key.kind)
        reference = Reference(provider=provider, kind=key.kind, value=key.value)
        number = await self._links.find_order_number(shop.slug, reference)
        if number is not None:
            return OrderIdentity(shop.slug, order_number=number)
        if provider not in shop.providers:
            raise KeyNotSupported(f"Shop {shop.slug!r} has no {provider}, which alone could resolve this key.")
        rule = shop.rules.get((provider, key.kind))
        names = (rule.parse(key.value) if rule else None) or {}
        identity = OrderIdentity(shop.slug, given=reference)
        for name, value in names.items():
            identity = identity.named(OrderName(name), value)
        return identity

    def _own_names(self, shop: Shop, identity: OrderIdentity) -> Iterable[Reference]:
        source = shop.order_source
        if source is None:
            return
        for name in OrderName:
            value = identity.name(name)
            if value is not None and name.value in source.profile.finds_by:
                yield Reference(provider=source.profile.name, kind=name.value, value=value)


def _ruled(shop: Shop, identity: OrderIdentity, provider: str | None = None) -> Iterable[Reference]:
    """What the rules, or those for `provider`, make of the order's own names."""
    for (ruled, kind), rule in shop.rules.items():
        if provider in (None, ruled) and (value := rule.render(identity.names)) is not None:
            yield Reference(provider=ruled, kind=kind, value=value)


def reference_kinds() -> dict[str, tuple[str, ReferenceKind]]:
    """Every reference kind of every provider, by its name: the provider that uses it, and the kind."""
    return {kind.name: (name, kind) for name, spec in provider_specs().items() for kind in spec.profile.reference_kinds}


def provider_of_kind(kind: str) -> str:
    """The provider that calls orders by `kind`."""
    provider, _kind = reference_kinds()[kind]
    return provider
