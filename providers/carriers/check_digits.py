"""The check characters that carriers put into their numbers: one pure function each, and the table of their names.

A function is given what the check is computed over, without blanks and in capitals, and answers the character that must
follow. Digits alone are expected, but where a function says otherwise: the pattern of a format sees to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

CheckCharacter = Callable[[str], str]


def upu_s10(serial: str) -> str:
    """Of the eight digits in a postal item's identifier (UPU S10-12): weights 8 6 4 2 3 5 9 7, modulo 11."""
    check = 11 - _weighted(serial, (8, 6, 4, 2, 3, 5, 9, 7)) % 11
    return {10: "0", 11: "5"}.get(check, str(check))


def gs1(digits: str) -> str:
    """GS1 General Specifications 7.9.1: weights 3 1 3 1 … from the right, up to the next ten."""
    return _up_to_ten(_weighted(reversed(digits), (3, 1)))


def identcode(digits: str) -> str:
    """DHL's Identcode of twelve digits: weights 4 9 4 9 … from the left, up to the next ten."""
    return _up_to_ten(_weighted(digits, (4, 9)))


def gls(digits: str) -> str:
    """GLS Uni-Box documentation 01.10, 3.2.1: weights 3 1 3 1 … from the left, one more, up to the next ten."""
    return _up_to_ten(_weighted(digits, (3, 1)) + 1)


def modulo_7(digits: str) -> str:
    """What is left after division by seven: DHL Express, and the three large carriers of Japan ("7DR")."""
    return str(int(digits) % 7)


def luhn(digits: str) -> str:
    """ISO/IEC 7812-1, annex B: every second digit from the right counts twice, as the sum of its digits."""
    products = (int(digit) * weight for digit, weight in zip(reversed(digits), cycle((2, 1)), strict=False))
    return _up_to_ten(sum(product // 10 + product % 10 for product in products))


def iso_7064_37_36(text: str) -> str:
    """ISO 7064 Mod 37,36 over digits and letters, as DPD's parcel label has it (label specification 2.4.1)."""
    rest = 36
    for character in text:
        rest = ((rest + ALPHANUMERIC.index(character)) % 36 or 36) * 2 % 37
    return ALPHANUMERIC[(37 - rest) % 36]


def ups(text: str) -> str:
    """UPS, of what stands after `1Z`: weights 1 2 1 2 … from the left; A counts 2, B 3, …, I 0, and so on."""
    values = (int(character) if character.isdigit() else (ord(character) - 3) % 10 for character in text)
    return _up_to_ten(sum(value * weight for value, weight in zip(values, cycle((1, 2)), strict=False)))


def ontrac_c(digits: str) -> str:
    """OnTrac's numbers with C: UPS's rule, where the letter counts 4."""
    return ups("4" + digits)


def ontrac_d(digits: str) -> str:
    """OnTrac's numbers with D: UPS's rule, where the letter counts 5."""
    return ups("5" + digits)


def fedex_express(digits: str) -> str:
    """FedEx Express: weights 1 3 7 … from the right, modulo 11, and of that the last digit."""
    return str(_weighted(reversed(digits), (1, 3, 7)) % 11 % 10)


def fedex_smartpost(digits: str) -> str:
    """FedEx SmartPost of 20 digits: GS1's rule, with the application identifier 92 that is left out in print."""
    return gs1("92" + digits)


def usps_without_identifier(digits: str) -> str:
    """USPS of 20 digits: GS1's rule, with the application identifier 91 that is left out in print."""
    return gs1("91" + digits)


CHECK_CHARACTERS: Mapping[str, CheckCharacter] = {
    rule.__name__: rule
    for rule in (
        upu_s10,
        gs1,
        identcode,
        gls,
        modulo_7,
        luhn,
        iso_7064_37_36,
        ups,
        ontrac_c,
        ontrac_d,
        fedex_express,
        fedex_smartpost,
        usps_without_identifier,
    )
}
"""Every rule by the name that the carrier table calls it."""


def _weighted(digits: Iterable[str], weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, cycle(weights), strict=False))


def _up_to_ten(total: int) -> str:
    return str(-total % 10)
