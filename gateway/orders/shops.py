"""The shops of this gateway, each with its own providers and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.freshness.derived import Derived
from gateway.orders.errors import ShopRequired, ShopUnknown
from providers.base import OrderSource, Provider, ProviderSettings, ProviderSpec, TrackingSource
from providers.references import ReferenceTemplate


@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """How one provider takes part in registering shipments.

    `always`: also without a link to the order, by the rule that makes its name. `carrier_codes`: what the provider
    calls carriers, by our code or by the word that callers use.
    """

    always: bool = False
    carrier_codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop: its adapters by provider name, most trusted first, its rules by (provider, reference kind), and by
    provider how shipments are registered.

    `order_source` is the provider that knows the order's details: the most trusted one that can. `tracking_providers`
    are those that can know trackings, most trusted first; `tracking_sources` are the adapters of all of these but the
    order source, whose trackings come with the order. They are wanted many times for every order, and asking a class
    whether it has a Protocol's methods costs more than reading a field of an order, so they are settled once.
    """

    slug: str
    name: str | None
    providers: Mapping[str, Provider]
    rules: Mapping[tuple[str, str], ReferenceTemplate]
    registration: Mapping[str, RegistrationRules] = field(default_factory=dict)
    order_source: OrderSource | None = field(init=False, repr=False, compare=False)
    tracking_providers: tuple[str, ...] = field(init=False, repr=False, compare=False)
    tracking_sources: Mapping[str, TrackingSource] = field(init=False, repr=False, compare=False)
    derived: Derived = field(init=False, repr=False, compare=False, default_factory=Derived)
    """What follows from the shop's settings alone."""

    def __post_init__(self) -> None:
        source = next((adapter for adapter in self.providers.values() if isinstance(adapter, OrderSource)), None)
        sources = {
            name: adapter
            for name, adapter in self.providers.items()
            if adapter is not source and isinstance(adapter, TrackingSource)
        }
        trackers = tuple(name for name, adapter in self.providers.items() if adapter is source or name in sources)
        object.__setattr__(self, "order_source", source)
        object.__setattr__(self, "tracking_providers", trackers)
        object.__setattr__(self, "tracking_sources", sources)


class Shops:
    """Every shop of this gateway, by slug."""

    def __init__(self, shops: Mapping[str, Shop]) -> None:
        self._shops = shops

    def find(self, slug: str | None) -> Shop:
        """The shop called `slug`, or the only one. Raises `ShopRequired` and `ShopUnknown`."""
        if slug is None:
            if not self._shops:
                raise ShopUnknown("There is no shop that may be asked about.")
            if len(self._shops) != 1:
                raise ShopRequired("This gateway serves several shops: name one of them.", shops=sorted(self._shops))
            return next(iter(self._shops.values()))
        shop = self._shops.get(slug)
        if shop is None:
            raise ShopUnknown("No shop has this slug.")
        return shop

    def among(self, slugs: frozenset[str] | None) -> Shops:
        """Those called by `slugs`, as if there were no others; all of them for None."""
        if slugs is None:
            return self
        return Shops({slug: shop for slug, shop in self._shops.items() if slug in slugs})

    def __iter__(self) -> Iterator[Shop]:
        return iter(self._shops.values())


def registration_rules_of(settings: ProviderSettings) -> RegistrationRules:
    """How a provider takes part in registering shipments, from those of its settings that say so."""
    return RegistrationRules(
        always=getattr(settings, "always", False), carrier_codes=getattr(settings, "carrier_codes", {})
    )


def rules_of(spec: ProviderSpec, settings: ProviderSettings) -> dict[tuple[str, str], ReferenceTemplate]:
    """The rules that a provider's settings hold, by (provider, reference kind)."""
    return {
        (spec.profile.name, kind.name): getattr(settings, kind.rule)
        for kind in spec.profile.reference_kinds
        if kind.rule
    }
