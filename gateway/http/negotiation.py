"""Which media type an answer has, from the request's Accept header (RFC 9110, section 12.5.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
HTML: Final = "text/html"

DATA_TYPES: Final = (GRAPHQL_RESPONSE, JSON)
"""What a GraphQL answer can be, the type of the GraphQL over HTTP specification first."""

_WILDCARD_ORDER: Final = (JSON, GRAPHQL_RESPONSE, HTML)
"""Who accepts anything gets JSON: such a client may predate the specification's own media type."""


@dataclass(frozen=True, slots=True)
class _MediaRange:
    """One element of an Accept header. `specificity` is 0 for `*/*`, 1 for `type/*`, 2 for a full type."""

    pattern: str
    quality: float

    @property
    def specificity(self) -> int:
        return 2 - self.pattern.count("*")

    def matches(self, media_type: str) -> bool:
        return (
            self.specificity == 0
            or self.pattern == media_type
            or (self.specificity == 1 and media_type.startswith(self.pattern[:-1]))
        )


@lru_cache(maxsize=256)
def negotiate(accept: str | None, offers: tuple[str, ...] = DATA_TYPES) -> str | None:
    """The offered media type that the client likes best; None when it accepts none of them.

    Of equally liked types the one named in full goes before one matched by a wildcard. Without an Accept header it is
    as if the client accepted anything.
    """
    ranges = list(_ranges(accept if accept and accept.strip() else "*/*"))
    ranked = [(quality, specificity, offer) for offer in offers for quality, specificity in _liking(offer, ranges)]
    if not ranked:
        return None
    best = max((quality, specificity) for quality, specificity, _ in ranked)
    liked = [offer for quality, specificity, offer in ranked if (quality, specificity) == best]
    order = (*DATA_TYPES, HTML) if best[1] == 2 else _WILDCARD_ORDER
    return min(liked, key=order.index)


def _liking(offer: str, ranges: Sequence[_MediaRange]) -> Iterator[tuple[float, int]]:
    """Quality and specificity of the most specific range that matches, unless it rules the offer out (`q=0`)."""
    matching = [(found.specificity, found.quality) for found in ranges if found.matches(offer)]
    if matching:
        specificity, quality = max(matching)
        if quality > 0:
            yield quality, specificity


def _ranges(accept: str) -> Iterator[_MediaRange]:
    """The elements that can be read and that leave us UTF-8, the only charset we write."""
    for element in accept.split(","):
        pattern, parameters = parse_media_type(element)
        quality = _quality(parameters.get("q", "1"))
        if "/" in pattern and quality is not None and parameters.get("charset", "utf-8") in UTF_8:
            yield _MediaRange(pattern, quality)


UTF_8: Final = frozenset({"utf-8", "utf8"})


def parse_media_type(text: str) -> tuple[str, dict[str, str]]:
    """The media type and its parameters, in lower case and without quotes: `application/json`, `{charset: utf-8}`."""
    media_type, *rest = text.split(";")
    parameters = {}
    for parameter in rest:
        name, _, value = parameter.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"').lower()
    return media_type.strip().lower(), parameters


def _quality(text: str) -> float | None:
    """A weight from 0 to 1; None when it is not one."""
    try:
        quality = float(text)
    except ValueError:
        return None
    return quality if 0 <= quality <= 1 else None
