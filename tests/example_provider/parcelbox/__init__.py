"""Parcelbox: lockers in which parcels wait for their buyers. A made-up provider, to show how a real one is added."""

from parcelbox.adapter import ParcelboxAdapter
from parcelbox.profile import PROFILE
from parcelbox.settings import ParcelboxSettings
from providers.base import ProviderContext, ProviderSettings, ProviderSpec


def _build(settings: ProviderSettings, context: ProviderContext) -> ParcelboxAdapter:
    return ParcelboxAdapter(ParcelboxSettings.model_validate(settings), context)


PARCELBOX = ProviderSpec(profile=PROFILE, settings=ParcelboxSettings, build=_build)
