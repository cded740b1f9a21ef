"""Any sequence of loads, changes, failures and waiting, held against a model of a few lines."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.freshness.cache import FreshCache
from gateway.freshness.memory import MemoryStorage
from gateway.freshness.settings import FreshnessSettings
from providers.errors import OrderNotFound
from tests.gateway.freshness.asking import DOWN, FRESH, STALE, TAG, AskedProvider, lookup, soon
from tests.gateway.freshness.conftest import HandClock

NOT_FOUND = 5
PAUSE = 2
SETTINGS = FreshnessSettings(
    not_found=timedelta(seconds=NOT_FOUND), stale_not_found=timedelta(), refresh_pause=timedelta(seconds=PAUSE)
)
NONE = OrderNotFound("karla", "find_order")

STEPS = st.lists(
    st.one_of(
        st.sampled_from(["load", "bypass", "peek", "invalidate", "change", "break", "mend", "remove"]),
        st.integers(1, FRESH + STALE + 1),
    ),
    max_size=40,
)

Outcome = tuple[str | None, str, bool] | None
"""Text, where it came from, and whether an error came with it."""


@dataclass
class Copy:
    text: str | None
    fresh_until: int
    stale_until: int


class Model:
    """What a cache should answer: one copy, one provider, one clock in whole seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.version = 0
        self.exists = True
        self.works = True
        self.copy: Copy | None = None
        self.failed_at: int | None = None
        self.asked = 0

    def load(self) -> Outcome:
        if self.copy and self.now < self.copy.fresh_until:
            return self.copy.text, "HIT", False
        if self.copy and self.now < self.copy.stale_until:
            served = self.copy.text, "STALE", self.failed_at is not None
            if self.failed_at is None or self.now - self.failed_at >= PAUSE:
                self._ask()
            return served
        return self._answer("MISS") if self._ask() else (None, "MISS", True)

    def bypass(self) -> Outcome:
        if self._ask():
            return self._answer("BYPASS")
        if self.copy and self.now < self.copy.stale_until:
            return self.copy.text, "STALE", True
        return None, "MISS", True

    def peek(self) -> Outcome:
        if self.copy is None or self.now >= self.copy.stale_until:
            return None
        if self.now < self.copy.fresh_until:
            return self.copy.text, "HIT", False
        return self.copy.text, "STALE", self.failed_at is not None

    def _answer(self, result: str) -> Outcome:
        return (f"{self.version}" if self.exists else None), result, False

    def _ask(self) -> bool:
        self.asked += 1
        if not self.works:
            self.failed_at = self.now
            return False
        self.failed_at = None
        fresh, stale = (FRESH, STALE) if self.exists else (NOT_FOUND, 0)
        text = f"{self.version}" if self.exists else None
        self.copy = Copy(text, self.now + fresh, self.now + fresh + stale)
        return True


@given(STEPS)
def test_the_cache_answers_as_the_model_does(steps: list[str | int]) -> None:
    asyncio.run(_compare(steps))


async def _compare(steps: list[str | int]) -> None:
    clock, provider, model = HandClock(), AskedProvider("0"), Model()
    cache = FreshCache(MemoryStorage(1024 * 1024), SETTINGS, clock)
    for step in steps:
        if isinstance(step, int):
            clock.advance(step)
            model.now += step
        elif step in ("load", "bypass", "peek"):
            assert await _outcome(cache, provider, step) == getattr(model, step)(), step
            await _settle()
            assert provider.calls == model.asked, step
        elif step == "invalidate":
            await cache.invalidate([TAG])
            model.copy = None
        else:
            _turn(model, step)
            provider.answer = DOWN if not model.works else f"{model.version}" if model.exists else NONE
    await cache.aclose()


def _turn(model: Model, step: str) -> None:
    if step in ("break", "mend"):
        model.works = step == "mend"
    else:
        model.exists = step == "change"
        model.version += step == "change"


async def _outcome(cache: FreshCache, provider: AskedProvider, step: str) -> Outcome:
    if step == "peek":
        loaded = await cache.peek(lookup())
    else:
        loaded = await cache.load(lookup(), provider, deadline=soon(), bypass=step == "bypass")
    if loaded is None:
        return None
    return (loaded.value.text if loaded.value else None), loaded.cache.value, loaded.error is not None


async def _settle() -> None:
    """Let what goes on behind an answer finish: nothing in it waits for anything outside."""
    for _ in range(5):
        await asyncio.sleep(0)
