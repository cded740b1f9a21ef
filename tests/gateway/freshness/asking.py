"""A provider to ask, for tests of the cache: it answers, fails or waits as it is told, and counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gateway.freshness.cache import Lookup
from gateway.freshness.envelope import Lifetime
from gateway.freshness.keys import CacheKey, order_tag
from gateway.freshness.settings import FreshnessSettings
from gateway.resilience.deadline import Deadline
from providers.errors import ProviderServerFailed

FRESH = 10
STALE = 20
DOWN = ProviderServerFailed("karla", "find_order")
TAG = order_tag("acme", "4711")

SETTINGS = FreshnessSettings(not_found=timedelta(seconds=5), stale_not_found=timedelta())


class Parcel(BaseModel):
    """What is asked for: some text, and the orders that it turns out to speak of."""

    model_config = ConfigDict(frozen=True)

    text: str
    orders: tuple[str, ...] = ()


CODEC = TypeAdapter(Parcel)


def lookup(
    argument: str = "4711",
    *,
    fresh: float = FRESH,
    stale: float = STALE,
    tags: frozenset[str] = frozenset({TAG}),
    replaces: frozenset[str] = frozenset(),
    lifetime: Callable[[Parcel], Lifetime] | None = None,
) -> Lookup[Parcel]:
    """A lookup for a `Parcel`, fresh for 10 s and stale for another 20 s."""
    return Lookup(
        key=CacheKey("acme", "karla", "find_order", argument),
        codec=CODEC,
        lifetime=lifetime or (lambda _: Lifetime(timedelta(seconds=fresh), timedelta(seconds=stale))),
        tags=tags,
        tags_of=lambda parcel: frozenset(order_tag("acme", number) for number in parcel.orders),
        replaces=lambda _: replaces,
    )


def soon() -> Deadline:
    """A deadline that no test means to reach."""
    return Deadline.after(30, time.monotonic)


class AskedProvider:
    """Answers `answer`, or raises it when it is an exception; holds every call while `hold` is called for."""

    def __init__(self, answer: str | Parcel | Exception = "first") -> None:
        self.answer = answer
        self.calls = 0
        self.finished = 0
        self._gate = asyncio.Event()
        self._gate.set()

    def hold(self) -> None:
        """Let calls wait until `let_go`."""
        self._gate.clear()

    def let_go(self) -> None:
        """Let every waiting call go on."""
        self._gate.set()

    async def __call__(self) -> Parcel:
        self.calls += 1
        answer = self.answer  # what the provider says is what was true when it was asked
        await self._gate.wait()
        self.finished += 1
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Parcel) else Parcel(text=answer)
