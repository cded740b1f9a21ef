"""Checks of arguments that the type system cannot make."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.schema.errors import ClientError, ErrorCode
from providers.registry import provider_specs

LARGEST_FIRST = 100


def check_first(first: int) -> int:
    """`first`, when it is 1 to 100. Refused and never clamped, so that nobody takes a part for the whole."""
    if 1 <= first <= LARGEST_FIRST:
        return first
    raise ClientError(ErrorCode.BAD_USER_INPUT, f"`first` takes 1 to {LARGEST_FIRST}.")


def check_providers(providers: Sequence[str] | None) -> Sequence[str] | None:
    """`providers`, when somebody knows each of them; one that the shop has not configured adds nothing."""
    unknown = [name for name in providers or () if name not in provider_specs()]
    if unknown:
        raise ClientError(ErrorCode.UNKNOWN_PROVIDER, "No provider has this name.", providers=list(provider_specs()))
    return providers


LONGEST_TEXT = 512


def check_text(value: str, name: str) -> str:
    """`value`, when it is something to look up: not blank, printable, of a length that names have."""
    if value.strip() and len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    raise ClientError(ErrorCode.BAD_USER_INPUT, f"`{name}` takes 1 to {LONGEST_TEXT} printable characters.")
