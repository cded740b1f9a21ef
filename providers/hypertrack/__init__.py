"""HyperTrack: drivers on routes, and the orders they fulfil at their stops."""

from __future__ import annotations

from providers.base import ProviderContext, ProviderSettings, ProviderSpec
from providers.hypertrack.adapter import HyperTrackAdapter
from providers.hypertrack.profile import PROFILE
from providers.hypertrack.settings import HyperTrackSettings


def _build(settings: ProviderSettings, context: ProviderContext) -> HyperTrackAdapter:
    return HyperTrackAdapter(HyperTrackSettings.model_validate(settings), context)


HYPERTRACK = ProviderSpec(profile=PROFILE, settings=HyperTrackSettings, build=_build)
