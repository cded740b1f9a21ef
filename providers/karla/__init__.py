"""Karla (gokarla.io): orders with their parcels, each followed at its carrier."""

from __future__ import annotations

from providers.base import ProviderContext, ProviderSettings, ProviderSpec
from providers.karla.adapter import KarlaAdapter
from providers.karla.profile import PROFILE
from providers.karla.settings import KarlaSettings


def _build(settings: ProviderSettings, context: ProviderContext) -> KarlaAdapter:
    return KarlaAdapter(KarlaSettings.model_validate(settings), context)


KARLA = ProviderSpec(profile=PROFILE, settings=KarlaSettings, build=_build)
