"""The one table of providers: settings, schema, documentation and tests derive from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from providers.base import ProviderSpec
from providers.billink import BILLINK
from providers.hypertrack import HYPERTRACK
from providers.karla import KARLA
from providers.paypal import PAYPAL
from providers.references import ORDER_NAMES

ENTRY_POINT_GROUP = "trackgraph.providers"

BUILT_IN: tuple[ProviderSpec, ...] = (KARLA, HYPERTRACK, PAYPAL, BILLINK)


class ProviderConflict(ValueError):
    """What is plugged in cannot be used as it is; the message names the provider and what to change."""


@cache
def provider_specs() -> Mapping[str, ProviderSpec]:
    """Every known provider by name, in order of trust: ours, and third parties' from their entry points.

    Raises `ProviderConflict` for what `ranked` refuses, and for an entry point that holds no `ProviderSpec`.
    """
    return ranked((*BUILT_IN, *_third_parties()))


def ranked(specs: Iterable[ProviderSpec]) -> Mapping[str, ProviderSpec]:
    """`specs` by name, in order of trust.

    Raises `ProviderConflict` when two have one name, or call orders by one reference kind: such a kind stands for its
    provider wherever it is named. The names that every order has of its own are nobody's, so order sources share them.
    """
    by_name: dict[str, ProviderSpec] = {}
    owner_of_kind: dict[str, str] = {}
    for spec in sorted(specs, key=lambda spec: spec.profile.trust):
        name = spec.profile.name
        if name in by_name:
            raise ProviderConflict(f"two providers are called {name!r}; uninstall one of them")
        by_name[name] = spec
        for kind in {kind.name for kind in spec.profile.reference_kinds} - set(ORDER_NAMES):
            if kind in owner_of_kind:
                raise ProviderConflict(f"{owner_of_kind[kind]} and {name} both have a reference kind {kind!r}")
            owner_of_kind[kind] = name
    return MappingProxyType(by_name)


def _third_parties() -> Iterable[ProviderSpec]:
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        spec = entry_point.load()
        if not isinstance(spec, ProviderSpec):
            raise ProviderConflict(f"entry point {entry_point.value!r} of {ENTRY_POINT_GROUP} holds no ProviderSpec")
        yield spec
