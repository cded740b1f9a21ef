"""Which carriers a tracking number may be of, by how it is built. A guess: several carriers build theirs alike."""

from __future__ import annotations

import re

from providers.carriers.lookup import CARRIERS
from providers.carriers.table import CarrierEntry, Likelihood, NumberFormat

LONGEST_NUMBER = 64
"""Characters of a tracking number at most, PayPal's limit (Orders v2, `tracking_number`)."""

_SEPARATORS = re.compile(r"[\s.-]+")
"""What is printed between the groups of a number. The dot is Swiss Post's, which takes its numbers with and without."""

_NUMBER = re.compile(r"[0-9A-Z]+")

_RANKS = {likelihood: rank for rank, likelihood in enumerate(Likelihood)}


def guess_carriers(tracking_number: str) -> tuple[CarrierEntry, ...]:
    """The carriers that build their numbers like `tracking_number`, the most likely first; empty when none does.

    Blanks, dashes and dots in it are ignored, and so is case. One whose check digit is right comes before those without
    a check digit, then the more telling build, then the order of the table. A number whose check digit is wrong does
    not fit. Whatever is longer than `LONGEST_NUMBER` characters is not looked at.
    """
    if len(tracking_number) > LONGEST_NUMBER:
        return ()
    number = _SEPARATORS.sub("", tracking_number).upper()
    if not _NUMBER.fullmatch(number):
        return ()
    fitting = {
        entry.code: min(_rank(number_format) for number_format in formats)
        for entry in CARRIERS.values()
        if (formats := [number_format for number_format in entry.formats if number_format.fits(number)])
    }
    return tuple(CARRIERS[code] for code in sorted(fitting, key=fitting.__getitem__))


def _rank(number_format: NumberFormat) -> tuple[bool, int]:
    return number_format.check is None, _RANKS[number_format.likelihood]
