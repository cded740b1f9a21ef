"""Claims about check characters, by numbers that others published. The rule's own documentation names its source."""

from __future__ import annotations

import pytest

from providers.carriers.check_digits import CHECK_CHARACTERS

PUBLISHED: dict[str, tuple[str, ...]] = {
    "upu_s10": (
        "473124829",  # the worked example of S10 at en.wikipedia.org, S10 (UPU standard)
        "123456785",  # jkeen/tracking_number_data, couriers/s10.json
        "000717618",  # the package s10, README: EB000717618HK
        "223456788",  # stackoverflow.com, question 57053: TNT
    ),
    "gs1": (
        "00340433836442636597",  # paketda.de: DHL
        "09133131530724",  # paketda.de: Hermes
        "370438101268058536",  # glesys/trackula, README: Bring
        "9400111201080805483016",  # jkeen/tracking_number_data, couriers/usps.json
        "041441760228964",  # jkeen/tracking_number_data, couriers/fedex.json
        "0073938000549297",  # jkeen/tracking_number_data, couriers/canadapost.json
        "20524752032",  # Business::Colissimo: 8L20524752032
        "4260304620007",  # ecosio.com, GLN-Prüfziffer berechnen
    ),
    "identcode": ("201298452277", "186718204451"),  # paketda.de; jkeen/tracking_number_data, issue 30
    "modulo_7": (
        "3318810025",  # jkeen/tracking_number_data, couriers/dhl.json
        "73891051146",
        "123456789013",  # nanoappli.com: Yamato
        "999999999994",  # nayutaya/packtrack, tests of Yamato
    ),
    "luhn": ("320595463938", "287809468872", "17893729974"),  # couriers/purolator.json; Luhn at en.wikipedia.org
    "iso_7064_37_36": (
        "01015026003653C",  # paketda.de
        "15502370264989N",  # Markinhos/aftership-challenge: DPD UK
        "008182709980000020033350276C",  # jkeen/tracking_number_data, couriers/dpd.json
    ),
    "ups": (
        "5R89390357567127",  # jkeen/tracking_number_data, couriers/ups.json, after 1Z
        "410E7W0392751591",
        "999AA10123456784",  # wheremy.com: 1Z 999 AA1 01 2345 6784
    ),
    "ontrac_c": ("11031500001879", "10999911320231"),  # jkeen/tracking_number_data, couriers/ontrac.json
    "ontrac_d": ("10011354453707", "10011345983010"),
    "fedex_express": (
        "986578788855",  # jkeen/tracking_number_data, couriers/fedex.json
        "477179081230",
        "00779017972697",  # the end of 1001921334250001000300779017972697
    ),
    "fedex_smartpost": ("61299998820821171811",),  # jkeen/tracking_number_data, couriers/fedex.json
    "usps_without_identifier": ("71969010756003077385",),  # jkeen/tracking_number_data, couriers/usps.json
}

NOT_PUBLISHED = {"gls"}
"""Its rule is published (GLS Uni-Box documentation 01.10, 3.2.1), and no number that shows it was found."""


def test_every_rule_is_shown_by_a_published_number() -> None:
    assert PUBLISHED.keys() | NOT_PUBLISHED == CHECK_CHARACTERS.keys()


@pytest.mark.parametrize(
    ("rule", "number"), [(rule, number) for rule, numbers in PUBLISHED.items() for number in numbers]
)
def test_the_last_character_follows_from_the_others(rule: str, number: str) -> None:
    assert CHECK_CHARACTERS[rule](number[:-1]) == number[-1]


def test_gls_counts_one_more_than_its_weights() -> None:
    """3 + 2 + 9 + 4 + 15 + 6 + 21 + 8 + 27 + 0 + 3 is 98, and one more 99: one is missing to the next ten."""
    assert CHECK_CHARACTERS["gls"]("12345678901") == "1"


@pytest.mark.parametrize(("serial", "check"), [("00000000", "5"), ("00000008", "0"), ("47312482", "9")])
def test_s10_has_digits_for_ten_and_eleven(serial: str, check: str) -> None:
    """A sum of 0 leaves 11, which is written 5; one that leaves 1 gives 10, which is written 0."""
    assert CHECK_CHARACTERS["upu_s10"](serial) == check
