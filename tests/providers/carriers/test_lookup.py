"""Claims about finding a carrier by a word for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.carriers import CARRIERS, find_carrier


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("dhl_express", "dhl_express"),  # our code
        ("DHL Express", "dhl_express"),  # its name
        ("dhl-EXPRESS", "dhl_express"),
        (" dhl  express ", "dhl_express"),
        ("DHLExpress", "dhl_express"),
        ("dhlexp", "dhl_express"),  # Karla's
        ("DE_DHL_EXPRESS", "dhl_express"),  # PayPal's
        ("Bartolini", "brt"),  # an alias
        ("hrs", "hermes"),
        ("Österreichische Post", "austrian_post"),
        ("ÖSTERREICHISCHE POST", "austrian_post"),
        ("ROYAL_MAIL_FTP", "royal_mail"),
    ],
)
def test_a_carrier_is_found_by_every_word_for_it(word: str, code: str) -> None:
    carrier = find_carrier(word)
    assert carrier is CARRIERS[code]


@pytest.mark.parametrize("word", ["", " ", "-", "acme", "DHL Express!", "OTHER", "dhl/express"])
def test_an_unknown_word_finds_nothing(word: str) -> None:
    assert find_carrier(word) is None


@pytest.mark.parametrize(("word", "code"), [("DHL", "dhl"), ("HERMES", "hermes")])
def test_our_words_come_before_paypals(word: str, code: str) -> None:
    """PayPal has codes DHL and HERMES, for "dhl Global" and "HermesWorld UK"; a shop means the German carriers."""
    assert find_carrier(word) is CARRIERS[code]


@pytest.mark.parametrize(
    ("word", "code"), [("DE_DHL", "dhl"), ("dpd", "dpd"), ("gls", "gls"), ("postnord", "postnord")]
)
def test_a_code_that_carriers_share_is_read_as_one_of_them(word: str, code: str) -> None:
    carrier = find_carrier(word)
    assert carrier is CARRIERS[code]


@given(st.sampled_from(sorted(CARRIERS)), st.data())
def test_case_and_gaps_make_no_difference(code: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from([code, CARRIERS[code].name, *CARRIERS[code].aliases]))
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "-", "_", "\t"]), min_size=len(word), max_size=len(word)))
    spelt = "".join(gap + letter for gap, letter in zip(gaps, word, strict=True))
    assert find_carrier(spelt) is CARRIERS[code]
    assert find_carrier(word.upper()) is CARRIERS[code]


@given(st.text())
def test_any_text_can_be_asked(word: str) -> None:
    carrier = find_carrier(word)
    assert carrier is None or carrier.code in CARRIERS
