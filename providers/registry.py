"""The one table of providers: settings, schema, documentation and tests derive from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from providers.base import ProviderSpec
from providers.billink import BILLINK
from providers.hypertrack import HYPERTRACK
from providers.karla import KARLA
from providers.paypal import PAYPAL

ENTRY_POINT_GROUP = "trackgraph.providers"

BUILT_IN: tuple[ProviderSpec, ...] = (KARLA, HYPERTRACK, PAYPAL, BILLINK)


@cache
def provider_specs() -> Mapping[str, ProviderSpec]:
    """Every known provider by name, in order of trust: ours, then third parties' from their entry points.

    Raises `ValueError` when two providers have one name, or an entry point holds no `ProviderSpec`.
    """
    specs = {spec.profile.name: spec for spec in BUILT_IN}
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        spec = entry_point.load()
        if not isinstance(spec, ProviderSpec):
            raise ValueError(f"entry point {entry_point.value!r} of {ENTRY_POINT_GROUP} holds no ProviderSpec")
        if spec.profile.name in specs:
            raise ValueError(f"two providers are called {spec.profile.name!r}")
        specs[spec.profile.name] = spec
    ranked = sorted(specs.values(), key=lambda spec: spec.profile.trust)
    return MappingProxyType({spec.profile.name: spec for spec in ranked})
