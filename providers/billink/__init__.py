"""Billink: trackers registered on the invoices of a buy-now-pay-later provider."""

from __future__ import annotations

from providers.base import ProviderContext, ProviderSettings, ProviderSpec
from providers.billink.adapter import BillinkAdapter
from providers.billink.profile import PROFILE
from providers.billink.settings import BillinkSettings


def _build(settings: ProviderSettings, context: ProviderContext) -> BillinkAdapter:
    return BillinkAdapter(BillinkSettings.model_validate(settings), context)


BILLINK = ProviderSpec(profile=PROFILE, settings=BillinkSettings, build=_build)
