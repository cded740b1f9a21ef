"""Names of what is kept: one key per question, and tags that say which orders and shops an answer speaks of.

A shop slug, a provider's name and a reference are other people's text. They are joined with their lengths (netstrings,
https://cr.yp.to/proto/netstrings.txt), so that no choice of text in one part can make it read as another part.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST_READABLE = 160
"""Longer names are hashed: search filters have no bound, and a key is held in memory beside every entry."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """One question: what `operation` of `provider` said for `shop` about `argument`."""

    shop: str
    provider: str
    operation: str
    argument: str
    text: str = field(init=False, repr=False, compare=False)
    """The key as text: printable ASCII of at most `LONGEST_READABLE` characters; different for different keys."""

    def __post_init__(self) -> None:
        name = _begun(self.shop, self.provider, self.operation) + _part(self.argument)
        object.__setattr__(self, "text", _bounded(name))


def order_tag(shop: str, order_number: str) -> str:
    """The tag of every answer that speaks of the shop's order `order_number`."""
    return _bounded(_begun("order", shop) + _part(order_number))


def shop_tag(shop: str) -> str:
    """The tag of every answer that a change anywhere in the shop may alter."""
    return _bounded(_begun("shop", shop))


def reference_tag(shop: str, provider: str, kind: str, value: str) -> str:
    """The tag of every answer that `provider` gave about what it calls `value`, "not found" among them."""
    return _bounded(_begun("reference", shop, provider, kind) + _part(value))


@lru_cache(maxsize=1024)
def _begun(*parts: str) -> str:
    """What many names begin with: the words of the settings and of providers' profiles, and none of a client."""
    return "".join(map(_part, parts))


def _part(text: str) -> str:
    return f"{len(text)}:{text},"


def _bounded(name: str) -> str:
    if len(name) <= LONGEST_READABLE and name.isascii() and name.isprintable():
        return name
    # A lone surrogate can arrive in a JSON string and has no UTF-8 form; it must still make a name and not an error.
    # "#" sets hashes apart: a readable name starts with a digit.
    return "#" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
