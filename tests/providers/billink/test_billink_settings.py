"""Claims about a shop's settings for Billink: how carriers are named, from a file and from variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import ConfigurationError, load_settings, setting_docs
from providers.billink.settings import BillinkSettings

BILLINK = '[shops.acme.billink]\nbillink_id = "secret"\nusername = "acme"\n'
CODES = "TRACKGRAPH_SHOPS__ACME__BILLINK__CARRIER_CODES__"

Load = Callable[..., BillinkSettings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Reads Billink's settings from a file and variables, as the gateway does."""

    def load(more: str = "", **variables: str) -> BillinkSettings:
        file = tmp_path / "trackgraph.toml"
        file.write_text(BILLINK + more, "utf-8")
        billink = load_settings({"TRACKGRAPH_CONFIG": str(file), **variables}).shops["acme"].providers["billink"]
        assert isinstance(billink, BillinkSettings)
        return billink

    return load


def test_without_a_word_no_carrier_is_renamed_and_only_linked_orders_are_registered(load: Load) -> None:
    settings = load()

    assert settings.carrier_codes == {}
    assert settings.always is False


@pytest.mark.parametrize(
    "written",
    [
        'carrier_codes = { dhl = "DHL_NL", "DHL Express" = "DHL_EXPRESS" }',
        '[shops.acme.billink.carrier_codes]\ndhl = "DHL_NL"\n"DHL Express" = " DHL_EXPRESS "',
    ],
)
def test_a_file_names_carriers_in_a_table(load: Load, written: str) -> None:
    assert load(written).carrier_codes == {"dhl": "DHL_NL", "DHL Express": "DHL_EXPRESS"}


def test_variables_add_to_the_file_and_win_over_it(load: Load) -> None:
    settings = load('carrier_codes = { dhl = "A", ups = "U" }', **{f"{CODES}dhl": "B", f"{CODES}GLS": "G"})

    assert settings.carrier_codes == {"dhl": "B", "ups": "U", "GLS": "G"}


@pytest.mark.parametrize(
    ("written", "variables", "problem"),
    [
        ('carrier_codes = { dhl = " " }', {}, "carrier_codes.dhl: should have at least 1 character"),
        ('carrier_codes = { " " = "DHL_NL" }', {}, "carrier_codes: must name a carrier for every code"),
        ("carrier_codes = { dhl = 3 }", {}, "carrier_codes.dhl: should be a valid string"),
        ('carrier_codes = "DHL_NL"', {}, "carrier_codes: should be a table"),
        ('carrier_codes = { dhl_express = "A", "DHL Express" = "B" }', {}, "once, in one spelling"),
        ('carrier_codes = { dhl = "A" }', {f"{CODES}DHL": "B"}, "once, in one spelling: dhl, DHL"),
        ("", {f"{CODES}DHL": ""}, "carrier_codes.DHL: should have at least 1 character"),
    ],
)
def test_what_names_no_carrier_or_no_code_is_refused(
    load: Load, written: str, variables: Mapping[str, str], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(written, **variables)

    [line] = refusal.value.problems
    assert problem in line


def test_always_is_a_switch_of_file_and_variable(load: Load) -> None:
    assert load("always = true").always
    assert load(TRACKGRAPH_SHOPS__ACME__BILLINK__ALWAYS="true").always


def test_settings_cannot_be_changed(load: Load) -> None:
    with pytest.raises(ValidationError):
        load().always = True


def test_both_settings_are_documented() -> None:
    documented = {doc.name: doc for doc in setting_docs()}

    assert documented["shops.<shop>.billink.always"].default == "false"
    assert "carrierCode" in documented["shops.<shop>.billink.carrier_codes.<name>"].description
