"""What each provider is told about a carrier: the table's code, and else the caller's word where that is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from providers.carriers.lookup import find_carrier
from providers.carriers.table import key_of

PAYPAL_OTHER = "OTHER"
"""PayPal's code for a carrier that its list lacks; the name goes into `carrier_name_other`."""

PAYPAL_LONGEST_NAME = 64
"""Characters of `carrier_name_other` at most (PayPal's Server SDK, `OrderTrackerRequest`)."""


@dataclass(frozen=True, slots=True)
class PayPalCarrier:
    """`carrier` and `carrier_name_other` of a tracker; the name is given with `OTHER`, and only then."""

    code: str
    name_other: str | None


def karla_reference(word: str) -> str:
    """Karla's `carrier_reference` of the carrier, or `word` as it is: Karla's list is open."""
    carrier = find_carrier(word)
    return carrier.karla if carrier and carrier.karla else word


def paypal_carrier(word: str) -> PayPalCarrier:
    """PayPal's code of the carrier; where there is none, `word` as PayPal's own code, and else `OTHER` with a name.

    The name is the carrier's, or `word` when the carrier is not known, at most `PAYPAL_LONGEST_NAME` characters of it.
    The table comes first: "DHL" and "Hermes" are what shops call the German carriers, and to PayPal others.
    """
    carrier = find_carrier(word)
    if carrier and carrier.paypal:
        return PayPalCarrier(carrier.paypal, None)
    listed = _paypal_codes()
    if word in listed and word != PAYPAL_OTHER:
        return PayPalCarrier(word, None)
    name = carrier.name if carrier else word.strip()
    return PayPalCarrier(PAYPAL_OTHER, name[:PAYPAL_LONGEST_NAME])


def billink_carrier_code(word: str, codes: Mapping[str, str]) -> str:
    """What `codes` calls the carrier for Billink, or `word` as it is: Billink publishes no list.

    `codes` is the shop's setting `carrier_codes`: Billink's code by our code, or by any other word for the carrier. The
    very word comes first, then the same word in another spelling, then our code, then another word for the carrier.
    """
    if word in codes:
        return codes[word]
    carrier = find_carrier(word)
    by_carrier = {key_of(found.code): code for name, code in codes.items() if (found := find_carrier(name))}
    by_key = by_carrier | {key_of(name): code for name, code in codes.items()}
    keys = (key_of(word), key_of(carrier.code)) if carrier else (key_of(word),)
    return next((by_key[key] for key in keys if key in by_key), word)


@cache
def _paypal_codes() -> frozenset[str]:
    """PayPal's codes. The file is read without importing PayPal's adapter."""
    return frozenset(json.loads((files("providers") / "paypal" / "carrier_codes.json").read_bytes())["codes"])
