"""Claims about what Karla, PayPal and Billink are told about a carrier, known or not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from providers.carriers import CARRIERS, PayPalCarrier, billink_carrier_code, karla_reference, paypal_carrier


@pytest.mark.parametrize(
    ("word", "reference"),
    [
        ("DHL Express", "dhlexp"),
        ("hermes", "hrs"),
        ("dpd_de", "dpd"),
        ("ROYAL_MAIL_FTP", "royalmail"),
        ("dhl", "dhl"),
        ("Mondial Relay", "Mondial Relay"),  # known, and no reference of Karla's is
        ("acme-parcels", "acme-parcels"),
        ("", ""),
    ],
)
def test_karla_is_told_its_reference_or_the_word(word: str, reference: str) -> None:
    assert karla_reference(word) == reference


@pytest.mark.parametrize("carrier", [carrier for carrier in CARRIERS.values() if carrier.karla], ids=lambda it: it.code)
def test_karlas_own_references_stay_what_they_are(carrier: object) -> None:
    reference = getattr(carrier, "karla", "")
    assert karla_reference(reference) == reference


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("dhl", "DE_DHL"),
        ("DHL Express", "DE_DHL_EXPRESS"),
        ("hrs", "HERMES_DE"),
        ("Royal Mail", "ROYAL_MAIL_FTP"),
        ("dpd_nl", "DPD_NL"),
        ("Evri", "MYHERMES_UK_API"),
        ("NLD_DHL", "NLD_DHL"),  # PayPal's own, which the table lacks
        ("_2EBOX", "_2EBOX"),
    ],
)
def test_paypal_is_told_its_code_and_no_name(word: str, code: str) -> None:
    assert paypal_carrier(word) == PayPalCarrier(code, None)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("acme parcels", "acme parcels"),
        (" acme parcels ", "acme parcels"),
        ("dhl2man", "DHL 2-Mann-Handling"),  # known, and PayPal has no code for it
        ("nld_dhl", "nld_dhl"),  # PayPal's codes are in capitals
        ("OTHER", "OTHER"),
        ("Päckchen" * 10, ("Päckchen" * 10)[:64]),
    ],
)
def test_paypal_is_told_the_name_of_another_carrier(word: str, name: str) -> None:
    assert paypal_carrier(word) == PayPalCarrier("OTHER", name)


@pytest.mark.parametrize(
    ("word", "codes", "code"),
    [
        ("dhl", {}, "dhl"),
        ("dhl", {"dhl": "DHL_NL"}, "DHL_NL"),
        ("DHL Paket", {"dhl": "DHL_NL"}, "DHL_NL"),  # the name of what the shop calls dhl
        ("DHL", {"dhl": "DHL_NL"}, "DHL_NL"),
        ("dhl", {"DHL": "DHL_NL"}, "DHL_NL"),  # from a variable, whose name is in capitals
        ("DHL Express", {"dhl_express": "EXPRESS", "dhl": "DHL_NL"}, "EXPRESS"),
        ("DHL Express", {"dhlexp": "EXPRESS"}, "EXPRESS"),  # another word for the same carrier
        ("DHL Paket", {"dhl": "DHL_NL", "DHL Paket": "PAKET"}, "PAKET"),  # the very word
        ("DHL Parcel", {"DHL Paket": "PAKET", "dhl": "DHL_NL"}, "DHL_NL"),  # our code before other words
        ("acme parcels", {"acme-parcels": "ACME"}, "ACME"),
        ("acme parcels", {"dhl": "DHL_NL"}, "acme parcels"),
        ("ups", {"acme": "ACME"}, "ups"),
    ],
)
def test_billink_is_told_the_shops_code_or_the_word(word: str, codes: Mapping[str, str], code: str) -> None:
    assert billink_carrier_code(word, codes) == code
