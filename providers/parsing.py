"""Reading what providers send, without adding to it: instants, URLs and blank text."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

_LEAP_SECOND = re.compile(r"(?<=:[0-5]\d):60(?=\D|$)")


def parse_instant(text: str | None) -> datetime | None:
    """The instant that an RFC 3339 text states, or None when it is none or names no offset.

    Second 60 is read as second 59 of the same minute (PayPal's pattern allows it, Order Tracker Response). A
    date alone or a time without an offset states no instant.
    """
    if not text or len(text) < len("2025-01-01T00:00:00Z"):
        return None
    try:
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(":59", text.strip().upper()))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def web_url(text: str | None) -> str | None:
    """`text` when it is an absolute http or https URL, else None (`javascript:`, `href6`)."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    has_blank = any(character.isspace() or not character.isprintable() for character in text)
    return text if parts.scheme.lower() in ("http", "https") and host and not has_blank else None


def text_or_none(text: str | None) -> str | None:
    """`text`, or None when it is empty or blank: providers send `""` for "not known"."""
    return text if text and text.strip() else None


_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
"""What a machine-readable code looks like; anything longer or with blanks is prose."""


def code_or_none(text: str | None) -> str | None:
    """`text` when it is a code (`duplicate_resource`), else None: prose of a provider must not pass for one."""
    return text if text and _CODE.fullmatch(text) else None
