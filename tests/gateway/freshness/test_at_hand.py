"""What a process knows of its copies without asking anybody: that one is at hand, and that nothing has changed."""

from __future__ import annotations

from gateway.freshness.cache import FreshCache
from gateway.freshness.storage import Storage
from tests.gateway.freshness.asking import FRESH, SETTINGS, TAG, AskedProvider, lookup, soon
from tests.gateway.freshness.conftest import HandClock

NAMES = frozenset({TAG, lookup().key.text})


async def test_a_fresh_copy_of_this_process_is_at_hand(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    """Where others write to the storage it has to be asked, and nothing ever is."""
    assert cache.glance(lookup()) is None
    await cache.load(lookup(), provider, deadline=soon())
    at_hand = cache.glance(lookup())
    if cache.storage.shared:
        assert at_hand is None
        return
    assert at_hand is await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    assert cache.glance(lookup()) is None


async def test_what_was_invalidated_is_not_at_hand(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    await cache.invalidate([TAG])
    assert cache.glance(lookup()) is None


async def test_a_change_is_told_by_its_tag_and_its_key(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    begun = cache.instant()
    assert cache.is_unchanged(NAMES, begun) is not cache.storage.shared
    await cache.invalidate(["another tag"])
    assert cache.is_unchanged(NAMES, begun) is not cache.storage.shared
    await cache.load(lookup(), provider, deadline=soon(), bypass=True)
    assert not cache.is_unchanged(NAMES, begun)
    later = cache.instant()
    await cache.invalidate([TAG])
    assert not cache.is_unchanged(NAMES, later)


async def test_without_keeping_every_load_asks(storage: Storage, clock: HandClock, provider: AskedProvider) -> None:
    cache = FreshCache(storage, SETTINGS, clock, keeps=False)
    for _ in range(3):
        await cache.load(lookup(), provider, deadline=soon())
    assert provider.calls == 3
    assert cache.glance(lookup()) is None
    await cache.aclose()
