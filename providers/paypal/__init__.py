"""PayPal: the trackers that a merchant put on an order's payment to tell the payer and prove shipment."""

from __future__ import annotations

from providers.base import ProviderContext, ProviderSettings, ProviderSpec
from providers.paypal.adapter import PayPalAdapter
from providers.paypal.profile import PROFILE
from providers.paypal.settings import PayPalSettings


def _build(settings: ProviderSettings, context: ProviderContext) -> PayPalAdapter:
    return PayPalAdapter(PayPalSettings.model_validate(settings), context)


PAYPAL = ProviderSpec(profile=PROFILE, settings=PayPalSettings, build=_build)
