"""The one carrier table: our carrier codes, what Karla, PayPal and Billink call them, and how their numbers are built.

`carriers.json` holds the facts with their sources; docs/carriers.md says how to add to it.
"""

from providers.carriers.guessing import guess_carriers
from providers.carriers.lookup import CARRIERS, find_carrier
from providers.carriers.provider_codes import PayPalCarrier, billink_carrier_code, karla_reference, paypal_carrier
from providers.carriers.table import CarrierEntry, Likelihood, NumberFormat

__all__ = [
    "CARRIERS",
    "CarrierEntry",
    "Likelihood",
    "NumberFormat",
    "PayPalCarrier",
    "billink_carrier_code",
    "find_carrier",
    "guess_carriers",
    "karla_reference",
    "paypal_carrier",
]
