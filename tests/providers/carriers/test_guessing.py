"""Claims about guessing a carrier from a tracking number, by numbers that carriers and others published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.carriers import CARRIERS, guess_carriers
from providers.carriers.guessing import LONGEST_NUMBER


def guesses(number: str) -> list[str]:
    return [carrier.code for carrier in guess_carriers(number)]


@pytest.mark.parametrize(
    ("number", "first"),
    [
        # jkeen/tracking_number_data, couriers/*.json
        ("1Z879E930346834440", "ups"),
        ("9400 1112 0108 0805 4830 16", "usps"),
        ("420 22153 9101026837331000039521", "usps"),
        ("0414 4176 0228 964", "fedex"),
        ("1001901781990001000300617767839437", "fedex"),
        ("9632001560123456789900794808390594", "fedex"),
        ("TBA502887274000", "amazon"),
        ("LTN74207623N1", "landmark_global"),
        ("C 110 31 500 00187 9", "ontrac"),
        ("YT2229521272164446", "yunexpress"),
        ("RB123456785GB", "royal_mail"),
        ("00 81827 0998 0000 0200 33 350 276 C", "dpd"),
        # paketda.de
        ("00340433836442636597", "dhl"),
        ("201298452277", "dhl"),
        ("JJD1410302937991", "dhl"),
        ("09133131530724", "hermes"),
        ("01015026003653c", "dpd"),
        # dhl.com
        ("JJD0099999999", "dhl_express"),
        ("3SBCC000123456", "dhl_parcel_nl"),
        # post.ch, with and without its dots
        ("99.00.123456.12345678", "swiss_post"),
        ("980012345612345678", "swiss_post"),
        # others; carriers.json names each
        ("3STUBA013976928", "postnl"),
        ("JJFI64574900000137203", "posti"),
        ("323299901059912015292030", "bpost"),
        ("370438101268058536", "bring"),
        ("8L 20524 75203 2", "colissimo"),
        ("84971563697SE", "postnord"),
        ("991798006092038618752844", "inpost"),
        ("SF1385628716739", "sf_express"),
        ("PX6632646861", "poczta_polska"),
        ("Z 123 4567 890", "packeta"),
        ("GD123456785WW", "tnt"),
    ],
)
def test_the_likeliest_carrier_comes_first(number: str, first: str) -> None:
    assert guesses(number)[0] == first


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        # the numbers that jkeen/tracking_number_data lists as invalid
        ("1Z1111111111111111", "ups"),
        ("2Z5R89390357567127", "ups"),
        ("996578788855", "fedex"),
        ("9261292700768711948020", "fedex"),
        ("5682 8361 0012 732", "fedex"),
        ("9622001560001234567100794808390595", "fedex"),
        ("0307 1790 0005 2348 3742", "usps"),
        ("RB123456786US", "usps"),
        ("3318810010", "dhl_express"),
        ("0073938000549292", "canada_post"),
        ("320595463939", "purolator"),
        ("C11031500001889", "ontrac"),
        ("008182709980000020033350276A", "dpd"),
        ("TBB000000000000", "amazon"),
        ("JC0002254405060992", "yodel"),
    ],
)
def test_a_number_that_is_invalid_there_is_not_guessed(number: str, carrier: str) -> None:
    assert carrier not in guesses(number)


def test_a_right_check_digit_comes_before_none() -> None:
    """The 14 digits are Hermes's by their check digit, and as many as DPD's have."""
    assert guesses("09133131530724") == ["hermes", "dpd"]


def test_a_telling_build_comes_before_a_vague_one() -> None:
    """3232… is bpost's; 24 digits are InPost's too."""
    assert guesses("323299901059912015292030") == ["bpost", "inpost"]


def test_every_carrier_that_fits_is_told() -> None:
    assert guesses("123456789013") == ["japan_post", "yamato", "sagawa"]


@pytest.mark.parametrize("number", ["1z879e930346834440", " 1Z 879 E93-03-4683 4440 ", "1Z.879.E93.03.4683.4440"])
def test_case_blanks_dashes_and_dots_make_no_difference(number: str) -> None:
    assert guesses(number) == ["ups"]


@pytest.mark.parametrize(
    "number",
    [
        "",
        " ",
        "-",
        "1",
        "no number",
        "https://example.org/1Z879E930346834440",
        "\uff13\uff13\uff11\uff18\uff18\uff11\uff10\uff10\uff12\uff15",
        "\u0663\u0663\u0661\u0668\u0668\u0661\u0660\u0660\u0662\u0665",
        "ß" * 10,
    ],
)
def test_what_is_built_like_no_number_has_no_carrier(number: str) -> None:
    """Digits of other scripts (here 3318810025, which DHL Express fits) are no digits of a carrier's."""
    assert guess_carriers(number) == ()


def test_a_number_that_is_too_long_is_not_looked_at() -> None:
    number = "1Z879E930346834440"

    assert guesses(number + " " * (LONGEST_NUMBER - len(number))) == ["ups"]
    assert guess_carriers(number + " " * (LONGEST_NUMBER - len(number) + 1)) == ()
    assert guess_carriers("9" * 10_000_000) == ()


@given(st.text(max_size=80) | st.text("0123456789ABCDJXZ -", max_size=80))
def test_any_text_can_be_asked(number: str) -> None:
    found = guesses(number)
    assert set(found) <= CARRIERS.keys()
    assert len(found) == len(set(found))
