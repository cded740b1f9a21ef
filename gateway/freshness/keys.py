"""Names of what is kept: one key per question, and tags that say which orders and shops an answer speaks of.

A shop slug, a provider's name and a reference are other people's text. They are joined with their lengths (netstrings,
https://cr.yp.to/proto/netstrings.txt), so that no choice of text in one part can make it read as another part.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

LONGEST_READABLE = 160
"""Longer names are hashed: search filters have no bound, and a key is held in memory beside every entry."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """One question: what `operation` of `provider` said for `shop` about `argument`."""

    shop: str
    provider: str
    operation: str
    argument: str

    @property
    def text(self) -> str:
        """The key as text: printable ASCII of at most `LONGEST_READABLE` characters; different for different keys."""
        return _name(self.shop, self.provider, self.operation, self.argument)


def order_tag(shop: str, order_number: str) -> str:
    """The tag of every answer that speaks of the shop's order `order_number`."""
    return _name("order", shop, order_number)


def shop_tag(shop: str) -> str:
    """The tag of every answer that a change anywhere in the shop may alter."""
    return _name("shop", shop)


def reference_tag(shop: str, provider: str, kind: str, value: str) -> str:
    """The tag of every answer that `provider` gave about what it calls `value`, "not found" among them."""
    return _name("reference", shop, provider, kind, value)


def _name(*parts: str) -> str:
    name = "".join([f"{len(part)}:{part}," for part in parts])
    if len(name) <= LONGEST_READABLE and name.isascii() and name.isprintable():
        return name
    # A lone surrogate can arrive in a JSON string and has no UTF-8 form; it must still make a name and not an error.
    # "#" sets hashes apart: a readable name starts with a digit.
    return "#" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
