"""Reading what providers send, without adding to it: instants, URLs and blank text."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from urllib.parse import urlsplit

MOST_NORTHERN = 90.0
MOST_EASTERN = 180.0
"""Degrees; the same on the other side of the equator and of Greenwich."""

_RFC_3339 = re.compile(r"(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}):(\d{2})((?:\.\d+)?(?:[Zz]|[+-]\d{2}:?\d{2}))", re.ASCII)
"""RFC 3339 §5.6 with its blank between date and time, which HyperTrack's paths have; an offset may lack its colon, as
ISO 8601 allows. Without it, Python's reader would take week dates and offsets with seconds too."""


_PLAIN_LENGTHS = {"--T::Z": 20, "--T::+:": 25, "--T::-:": 25}
"""What nearly every time looks like (`2025-02-05T11:20:27Z`, `…+01:00`): every third character from the fifth on, and
how long it is then. For the rest Python's reader takes digits alone, so the expression need not be asked, which takes
twice as long as all else."""


def parse_instant(text: str | None) -> datetime | None:
    """The instant that an RFC 3339 text states, with its offset, or None when it is none or names no offset.

    Second 60 is read as second 59 of the same minute (PayPal's pattern allows it, Order Tracker Response). A date alone
    or a time without an offset states no instant, nor does one that falls outside the years 1 to 9999 in UTC: it could
    not be stored, or shown in another offset.
    """
    if not text:
        return None
    is_plain = _PLAIN_LENGTHS.get(text[4:23:3]) == len(text) and text[17] != "6"
    stated = text if is_plain else _python_form(text.strip())
    if stated is None:
        return None
    try:
        moment = datetime.fromisoformat(stated)
        if not MINYEAR < moment.year < MAXYEAR:
            moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def _python_form(text: str) -> str | None:
    """An RFC 3339 text as Python's reader knows it, or None when it is none."""
    stated = _RFC_3339.fullmatch(text)
    if stated is None:
        return None
    minute, second, rest = stated.groups()
    return f"{minute}:{'59' if second == '60' else second}{rest}".upper()


_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]*)?(?:[/?#][!-~]*)?")
"""What nearly every web address looks like. One that does not may still be one."""


def web_url(text: str | None) -> str | None:
    """`text` when it is an absolute http or https URL, else None (`javascript:`, `href6`)."""
    if not text:
        return None
    if _PLAIN_URL.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    # Of everything that is blank or cannot be seen, `isprintable` lets the ASCII space alone pass.
    is_solid = text.isprintable() and " " not in text
    return text if parts.scheme.lower() in ("http", "https") and host and is_solid else None


def is_on_earth(latitude: float, longitude: float) -> bool:
    """Whether such a place exists, in degrees as GPS has them (WGS 84)."""
    return abs(latitude) <= MOST_NORTHERN and abs(longitude) <= MOST_EASTERN


def text_or_none(text: str | None) -> str | None:
    """`text`, or None when it is empty or blank: providers send `""` for "not known"."""
    return text if text and text.strip() else None


_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
"""What a machine-readable code looks like; anything longer or with blanks is prose."""


def code_or_none(text: str | None) -> str | None:
    """`text` when it is a code (`duplicate_resource`), else None: prose of a provider must not pass for one."""
    return text if text and _CODE.fullmatch(text) else None
