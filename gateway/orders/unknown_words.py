"""Status words that no table knows: counted, and logged once each, so that somebody adds them."""

from __future__ import annotations

import logging
import re
from collections import Counter
from typing import Final

from gateway.telemetry import observing
from providers.models import Tracking, TrackingStatus

logger = logging.getLogger(__name__)

MOST_WORDS = 1_000
"""A provider that sends a new word each time must not fill the memory; further words are counted together."""

_UNKNOWN: Final = TrackingStatus.UNKNOWN  # Python 3.11 takes 0.1 µs to find a member of an enum
_STATUS_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_ -]{0,39}")
"""What a log may repeat: letters only, as every documented status is. No number, address or URL is made of these."""


class UnknownWords:
    """How often each provider used a status word that we do not know."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, tracking: Tracking) -> None:
        """Count the unknown words of a tracking that was just read from its provider."""
        if tracking.status is _UNKNOWN:
            self._count(tracking.provider, tracking.provider_status or "")
        for event in tracking.events:
            if event.status is _UNKNOWN and event.phase:
                self._count(tracking.provider, event.phase)

    def counts(self) -> dict[tuple[str, str], int]:
        """The number of readings by (provider, word)."""
        return dict(self._counts)

    def _count(self, provider: str, word: str) -> None:
        observing.unknown_word(provider)
        key = (provider, word)
        if key not in self._counts:
            if len(self._counts) >= MOST_WORDS:
                key = (provider, "…")
            else:
                told = repr(word) if _STATUS_WORD.fullmatch(word) else "not shown, as it is no plain word"
                logger.warning("unknown status word of %s: %s", provider, told)
        self._counts[key] += 1
