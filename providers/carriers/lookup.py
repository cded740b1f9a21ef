"""Which carrier a word means: its code, an alias, its name, or what Karla or PayPal calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from providers.carriers.table import CarrierEntry, System, carrier_table, key_of


class _ShippedCarriers(Mapping[str, CarrierEntry]):
    """The carriers of the shipped table, which is read when one is first asked for."""

    def __getitem__(self, code: str) -> CarrierEntry:
        return _by_code()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(_by_code())

    def __len__(self) -> int:
        return len(_by_code())


CARRIERS: Mapping[str, CarrierEntry] = _ShippedCarriers()
"""Every carrier by our code, in the order of the file."""


def find_carrier(word: str) -> CarrierEntry | None:
    """The carrier that `word` means, or None when it is not known; case, blanks, dashes and underscores do not count.

    Our own words come first (code, name, aliases), then Karla's, then PayPal's. So "Hermes" is the German carrier,
    although PayPal calls the British one HERMES. A code that several carriers share is read as the table's `shared`
    says.
    """
    return _by_word().get(key_of(word))


@cache
def _by_code() -> Mapping[str, CarrierEntry]:
    return {entry.code: entry for entry in carrier_table().carriers}


@cache
def _by_word() -> Mapping[str, CarrierEntry]:
    own = {word: entry for entry in carrier_table().carriers for word in entry.words()}
    return {**dict(_read_as("paypal")), **dict(_read_as("karla")), **own}


def _read_as(system: System) -> Iterator[tuple[str, CarrierEntry]]:
    """Each code of `system` and the carrier that it is read as."""
    shared = carrier_table().shared.get(system, {})
    for entry in carrier_table().carriers:
        code = entry.code_at(system)
        if code is not None and shared.get(code, entry.code) == entry.code:
            yield key_of(code), entry
