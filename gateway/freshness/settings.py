"""What can be set about freshness: the tables `[cache]` and `[freshness]`, every value with its reason.

Durations are in seconds. Knows nothing of files or variables; no error and no repr shows a URL or a key.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from gateway.freshness.address import MemoryAddress, parse_cache_url

ENCRYPTION_KEY_BYTES = 32
"""AES-256 takes a key of 32 bytes (FIPS 197)."""

_DECODED_SHARE = 4
_PIECES_SHARE = 16
_ANSWERS_SHARE = 16
_BESIDE_SHARE = 16
"""For what grows while the cache fills and is counted nowhere, so that the process as a whole keeps to the bound: the
tracking numbers known to be indexed (10 MB), what Python allocates on first use, and gaps. Measured after 100,000
orders: 11 MiB more than was counted."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CacheSettings(_Table):
    """Where answers of providers are kept."""

    url: SecretStr = Field(
        default=SecretStr("memory://"),
        description="`memory://` for one process, or a Redis or Valkey server that several share: "
        "`redis://user:password@host:6379/0`, `rediss://` for TLS, `unix:///path?db=0` for a socket.",
    )
    max_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1024 * 1024,
        description="Memory that the cache may take in each process. A quarter of it holds what providers said, ready "
        "for use; an eighth holds parts of answers and whole answers, as bytes; nine sixteenths hold entries when "
        "`cache.url` is `memory://`; the rest is left for what grows beside them. The least recently used go first.",
    )
    key_prefix: str = Field(
        default="trackgraph",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="What every key in a shared cache begins with, so that two gateways can use one server.",
    )
    encryption_key: SecretStr | None = Field(
        default=None,
        description="32 random bytes in base64: entries in a shared cache are encrypted with it (AES-256-GCM) and keys "
        "are hashed, for a server that others can read. Left out: entries are readable JSON.",
    )
    timeout_ms: int = Field(
        default=150,
        ge=2,
        le=5000,
        description="Longest that looking something up in a shared cache may take, in milliseconds. After one time-out "
        "the cache is left alone until it answers again, so that a sick cache costs a query this once.",
    )

    objects: bool = Field(
        default=True,
        description="Keep what providers answered. Without it every query asks its providers; requests at the same "
        "time still share a call.",
    )
    pieces: bool = Field(
        default=True,
        description="Keep the part of an answer that one order makes, as bytes, for the next answer that selects the "
        "same of it.",
    )
    answers: bool = Field(
        default=True,
        description="Keep whole answers to queries, as bytes, for as long as every part of them is fresh. Each caller "
        "gets only answers that were made for the same rights. Needs `cache.objects`, and `memory://`: in a cache that "
        "several processes share, only asking tells whether a part has changed.",
    )

    @field_validator("url")
    @classmethod
    def _is_understood(cls, url: SecretStr) -> SecretStr:
        parse_cache_url(url.get_secret_value())
        return url

    @field_validator("encryption_key")
    @classmethod
    def _is_long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            decode_key(key)
        return key

    @property
    def is_in_process(self) -> bool:
        """Whether entries are in this process's memory, where no other process sees them."""
        return isinstance(parse_cache_url(self.url.get_secret_value()), MemoryAddress)

    @property
    def decoded_bytes(self) -> int:
        """The share of `max_bytes` for what providers said, ready for use."""
        return self.max_bytes // _DECODED_SHARE

    @property
    def pieces_bytes(self) -> int:
        """The share of `max_bytes` for parts of answers."""
        return self.max_bytes // _PIECES_SHARE

    @property
    def answers_bytes(self) -> int:
        """The share of `max_bytes` for whole answers."""
        return self.max_bytes // _ANSWERS_SHARE

    @property
    def stored_bytes(self) -> int:
        """The share of `max_bytes` for entries in the memory storage."""
        apart = self.decoded_bytes + self.pieces_bytes + self.answers_bytes + self.max_bytes // _BESIDE_SHARE
        return self.max_bytes - apart


def decode_key(key: SecretStr) -> bytes:
    """The 32 bytes of a key in base64, either alphabet. Raises `ValueError` with how to make one."""
    text = key.get_secret_value().strip().replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    if len(decoded) != ENCRYPTION_KEY_BYTES:
        raise ValueError("should be 32 bytes in base64, as `openssl rand -base64 32` prints them")
    return decoded


def _number(value: object) -> object:
    """A number written as text, as it comes from a variable, as a number; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Seconds = Annotated[timedelta, BeforeValidator(_number)]
"""A duration, given in seconds (or in ISO 8601, such as PT15S)."""


def _seconds(default: float, description: str) -> timedelta:
    # 30 days are far beyond what any answer is worth; more is a slip of the pen, such as milliseconds.
    field: timedelta = Field(
        default=timedelta(seconds=default), ge=timedelta(), le=timedelta(days=30), description=description
    )
    return field


class FreshnessSettings(_Table):
    """How long an answer is served, by what was learnt from it. All in seconds."""

    settled: Seconds = _seconds(
        6 * 3600, "Delivered, returned or cancelled: nothing more is expected, but a return may still begin."
    )
    live: Seconds = _seconds(15, "Out for delivery: a driver is on the way and the buyer watches.")
    waiting: Seconds = _seconds(
        300, "Available for pick-up, a failed attempt, or on hold: the next step is somebody's walk, not a scan."
    )
    moving: Seconds = _seconds(
        120, "In transit, delayed, in trouble or on the way back: scans are hours apart, and news is wanted soon."
    )
    pending: Seconds = _seconds(
        300, "Announced, or no parcel yet: the next thing to happen is a warehouse's, within hours."
    )
    unknown: Seconds = _seconds(60, "A status word that is not known here: it may mean anything, so ask again soon.")
    dormant: Seconds = _seconds(
        3600, "Not settled, but nothing has happened for `dormant_after`: such parcels hardly ever move again."
    )
    dormant_after: Seconds = _seconds(
        14 * 86400, "Silence after which an unsettled order is dormant. Parcels abroad can be silent for over a week."
    )
    page: Seconds = _seconds(
        60, "A page of a search, at most: new orders may match it, whatever the orders on it are at."
    )
    not_found: Seconds = _seconds(
        30, "A provider does not know the order: long enough to stop repeated asking, short enough for a new order."
    )
    stale: Seconds = _seconds(
        86400, "After its fresh time an answer may be served for this long while it is asked for anew, or cannot be."
    )
    stale_live: Seconds = _seconds(
        300, "The same for what is out for delivery: an older driver's position or arrival time misleads."
    )
    stale_page: Seconds = _seconds(
        3600, "The same for a page of a search: a day-old list would hide the day's orders at first sight."
    )
    stale_not_found: Seconds = _seconds(
        0, "The same for an order that was not known: it is asked for again at once, as it may exist by now."
    )
    refresh_pause: Seconds = _seconds(
        2,
        "After a failed refresh a stale answer is not asked for again for this long: one query's many loads, and the "
        "impatient, do not each call a provider that has just failed.",
    )

    @property
    def longest(self) -> timedelta:
        """The longest that any answer may be served, fresh and stale together."""
        fresh = (self.settled, self.live, self.waiting, self.moving, self.pending, self.unknown, self.dormant)
        return max(*fresh, self.page, self.not_found) + max(
            self.stale, self.stale_live, self.stale_page, self.stale_not_found
        )
