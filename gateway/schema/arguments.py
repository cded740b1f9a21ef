"""Checks of arguments that the type system cannot make."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.schema.errors import ClientError, ErrorCode
from providers.registry import provider_specs

LARGEST_FIRST = 100


FIRST_ORDERS = 30
FIRST_TRACKINGS = 100
FIRST_EVENTS = 50
FIRST_PROVIDERS = 50
FIRST_REGISTRATIONS = 30
"""What `first` is where it is left out."""


def check_first(first: int | None, otherwise: int) -> int:
    """`first`, when it is 1 to 100; null is `otherwise`, as if it had been left out.

    Refused and never clamped, so that nobody takes a part for the whole.
    """
    if first is None:
        return otherwise
    if 1 <= first <= LARGEST_FIRST:
        return first
    raise ClientError(ErrorCode.BAD_USER_INPUT, f"`first` takes 1 to {LARGEST_FIRST}.")


MOST_PROVIDERS = 100
"""Names in a list of providers."""


def check_providers(providers: Sequence[str] | None) -> frozenset[str] | None:
    """Those whom `providers` names, when all of them are known; one that the shop has not configured adds nothing.

    Each once, however often it is named, so that things can be kept by whom they were asked of.
    """
    if providers is None:
        return None
    if len(providers) > MOST_PROVIDERS:
        message = f"`providers` takes at most {MOST_PROVIDERS} names. Name each provider once."
        raise ClientError(ErrorCode.BAD_USER_INPUT, message)
    named = frozenset(providers)
    if not named <= provider_specs().keys():
        raise ClientError(ErrorCode.UNKNOWN_PROVIDER, "No provider has this name.", providers=list(provider_specs()))
    return named


LONGEST_TEXT = 512


def is_name(text: str) -> bool:
    """Whether something can be called `text`: not blank, printable, of a length that names have."""
    return bool(text.strip()) and len(text) <= LONGEST_TEXT and text.isprintable()


def check_text(value: str, name: str) -> str:
    """`value`, when it is something to look up."""
    if is_name(value):
        return value
    raise ClientError(ErrorCode.BAD_USER_INPUT, f"`{name}` takes 1 to {LONGEST_TEXT} printable characters.")
