"""Claims about the carrier table: what is in it, that its rows say where they are from, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.resources import files
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from providers.carriers import CARRIERS, CarrierEntry, NumberFormat
from providers.carriers.check_digits import ALPHANUMERIC, CHECK_CHARACTERS
from providers.carriers.table import CarrierTable, carrier_table, key_of

KARLA_REFERENCES = {
    *("amz", "brt", "depost", "dhl", "dhlexp", "dhl_old", "dhl2man", "dpd", "dpdn", "dpduk"),
    *("gls", "gls_es", "goexp", "hrs", "postat", "rhe", "royalmail", "swisspost", "ups", "bpost"),
    *("dao", "anpost", "bring", "posti", "postnl_inter", "usps", "fedex", "postnord", "parcelone"),
    *("dachser", "asendia_de"),
}
"""Karla's `carrier_reference`: CarrierEnum of gokarla-dart at 77996e5e."""

PAYPAL_CODES = frozenset(json.loads((files("providers.paypal") / "carrier_codes.json").read_bytes())["codes"])

each_carrier = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=lambda carrier: carrier.code)
each_format = pytest.mark.parametrize(
    ("carrier", "number_format"),
    [(carrier, number_format) for carrier in CARRIERS.values() for number_format in carrier.formats],
    ids=lambda value: getattr(value, "code", None) or value.pattern,
)


def test_codes_are_unique_and_keep_the_order_of_the_file() -> None:
    assert list(CARRIERS) == [entry.code for entry in carrier_table().carriers]
    assert len(CARRIERS) == len(set(CARRIERS))


def test_every_word_leads_to_one_carrier() -> None:
    words = [word for carrier in CARRIERS.values() for word in carrier.words()]
    assert len(words) == len(set(words))


def test_no_alias_repeats_what_makes_no_difference() -> None:
    for carrier in CARRIERS.values():
        spellings = [key_of(word) for word in carrier.aliases]
        assert len(set(spellings)) == len(spellings), carrier.code
        assert not {key_of(carrier.code), key_of(carrier.name)} & set(spellings), carrier.code


def test_the_table_has_every_reference_of_karla_and_no_other() -> None:
    assert {carrier.karla for carrier in CARRIERS.values() if carrier.karla} == KARLA_REFERENCES


@each_carrier
def test_what_paypal_is_told_is_a_code_of_paypal(carrier: CarrierEntry) -> None:
    assert carrier.paypal is None or carrier.paypal in PAYPAL_CODES
    assert carrier.paypal != "OTHER"


@each_carrier
def test_each_code_stands_beside_its_owners_word(carrier: CarrierEntry) -> None:
    if carrier.karla:
        assert f"karla: {carrier.karla}" in carrier.sources
    if carrier.paypal:
        assert any(source.startswith(f"paypal: {carrier.paypal}, “") for source in carrier.sources)


def test_every_citation_is_used() -> None:
    cited = {source.partition(":")[0] for carrier in CARRIERS.values() for source in carrier.sources}
    for carrier in CARRIERS.values():
        for number_format in carrier.formats:
            cited |= {text.partition(":")[0] for text in (number_format.source, number_format.example_source or "")}
    assert cited - {""} == carrier_table().citations.keys()


@each_format
def test_a_format_fits_its_examples(carrier: CarrierEntry, number_format: NumberFormat) -> None:
    for number in number_format.examples:
        assert number_format.fits(number), carrier.code


@each_format
def test_no_other_check_character_fits(carrier: CarrierEntry, number_format: NumberFormat) -> None:
    for number, character in product(number_format.examples, ALPHANUMERIC):
        match = re.fullmatch(number_format.pattern, number)
        assert match
        last = match.end(match.re.groups) - 1
        altered = number[:last] + character + number[last + 1 :]
        if number_format.check and altered != number:
            assert not number_format.fits(altered), carrier.code


@each_format
def test_a_longer_and_a_shorter_number_do_not_fit_by_their_beginning(
    carrier: CarrierEntry, number_format: NumberFormat
) -> None:
    for number in number_format.examples:
        assert not number_format.fits(f"{number}\n"), carrier.code
        assert not number_format.fits(f"X{number}Y"), carrier.code


@each_format
def test_matching_never_has_to_choose_twice(carrier: CarrierEntry, number_format: NumberFormat) -> None:
    """One open count at most, and none around another: what is read once is not read again."""
    open_counts = re.findall(r"\{\d+,\d*\}", number_format.pattern)
    assert len(open_counts) <= 1, carrier.code
    assert not re.search(r"[*+?]|\)\{", number_format.pattern.replace("(?:", "(")), carrier.code


ROW: dict[str, Any] = {
    "code": "acme",
    "name": "Acme",
    "karla": None,
    "paypal": None,
    "aliases": [],
    "formats": [],
    "sources": [],
}
FORMAT: dict[str, Any] = {
    "pattern": "AC([0-9]{9})",
    "check": "upu_s10",
    "likelihood": "own",
    "source": "made_up: here",
    "examples": ["AC123456785"],
}


def table_of(*rows: dict[str, Any], **members: Any) -> CarrierTable:
    carriers = [{**ROW, **row} for row in rows]
    return CarrierTable.model_validate_json(
        json.dumps(
            {"about": "A test.", "citations": {"made_up": "here"}, "shared": {}, "carriers": carriers, **members}
        )
    )


def test_a_table_of_one_carrier_is_accepted() -> None:
    [carrier] = table_of({"formats": [FORMAT], "sources": ["made_up: Acme"]}).carriers
    assert carrier.formats[0].fits("AC123456785")


@pytest.mark.parametrize(
    ("rows", "members", "problem"),
    [
        (({}, {}), {}, "acme lead to more than one carrier"),
        (({}, {"code": "other", "name": "Other", "aliases": ["A-CME"]}), {}, "acme lead to more than one carrier"),
        (({"sources": ["nobody: said it"]},), {}, "nobody are cited, and no citations"),
        (({"sources": ["somebody said it"]},), {}, "sources"),
        (({"code": "Ac me"},), {}, "code"),
        (({"name": " "},), {}, "name"),
        (({"color": "red"},), {}, "color"),
        (
            ({"karla": "x"}, {"code": "other", "name": "Other", "karla": "x"}),
            {},
            "x must be told in shared.karla, and no other",
        ),
        (({"karla": "x"},), {"shared": {"karla": {"x": "acme"}}}, "x must be told in shared.karla, and no other"),
        (
            ({"paypal": "X"}, {"code": "other", "name": "Other", "paypal": "X"}, {"code": "third", "name": "Third"}),
            {"shared": {"paypal": {"X": "third"}}},
            "X are told in shared.paypal for a carrier without them",
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    rows: tuple[dict[str, Any], ...], members: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        table_of(*rows, **members)


def test_a_shared_code_is_read_as_the_table_says() -> None:
    rows = {"paypal": "X"}, {"code": "other", "name": "Other", "paypal": "X"}
    assert table_of(*rows, shared={"paypal": {"X": "other"}}).shared == {"paypal": {"X": "other"}}


@pytest.mark.parametrize(
    "change",
    [
        {"pattern": "([0-9]+)+"},
        {"pattern": "[0-9]*"},
        {"pattern": ".{9}"},
        {"pattern": "(?:A|AA){9}B|C"},
        {"pattern": "([0-9]{3}){3}"},
        {"pattern": "([0-9]{4})([0-9]{4})"},
        {"pattern": "ac[0-9]{9}"},
        {"pattern": r"\d{9}"},
        {"check": "modulo_13"},
        {"likelihood": "certain"},
        {"examples": []},
        {"source": ""},
    ],
)
def test_a_format_outside_the_rules_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        table_of({"formats": [{**FORMAT, **change}]})


def test_the_file_is_read_when_a_carrier_is_first_asked_for() -> None:
    script = """
from providers.carriers import CARRIERS, find_carrier
from providers.carriers.table import carrier_table
assert carrier_table.cache_info().currsize == 0
assert find_carrier("UPS") is CARRIERS["ups"]
assert carrier_table.cache_info().misses == 1
"""
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603  # our own script


def test_entries_are_frozen() -> None:
    with pytest.raises(ValidationError):
        CARRIERS["ups"].karla = "usps"


def test_every_rule_for_check_digits_is_used() -> None:
    used = {number_format.check for carrier in CARRIERS.values() for number_format in carrier.formats}
    assert used - {None} == CHECK_CHARACTERS.keys()
