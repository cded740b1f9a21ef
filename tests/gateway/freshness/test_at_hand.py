"""What a process knows of its copies without asking anybody: that one is at hand, and that nothing has changed."""

from __future__ import annotations

import pytest

from gateway.freshness.cache import FreshCache
from gateway.freshness.memory import MemoryStorage
from gateway.freshness.storage import Storage
from providers.errors import AmbiguousReference
from tests.gateway.freshness.asking import FRESH, SETTINGS, TAG, AskedProvider, Parcel, lookup, soon
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


@pytest.mark.parametrize("answer", ["not to be kept", AmbiguousReference("karla", "find_order", ("1", "2"))])
async def test_what_is_let_go_is_a_change(
    cache: FreshCache, provider: AskedProvider, answer: str | AmbiguousReference
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    begun = cache.instant()
    provider.answer = answer
    await cache.load(lookup(fresh=0, stale=0), provider, deadline=soon(), bypass=True)
    assert not cache.is_unchanged(NAMES, begun)
    assert cache.glance(lookup()) is None
    assert await cache.peek(lookup()) is None


class TestWhatIsHeldReadyForUseByNobody:
    """Copies are pushed out; what was made of them may be there still."""

    @pytest.fixture
    async def forgetful(self, clock: HandClock) -> FreshCache:
        return FreshCache(MemoryStorage(1024 * 1024), SETTINGS, clock, decoded_bytes=0)

    async def test_asking_past_the_cache_is_a_change(self, forgetful: FreshCache, provider: AskedProvider) -> None:
        await forgetful.load(lookup(), provider, deadline=soon())
        begun = forgetful.instant()
        await forgetful.load(lookup(), provider, deadline=soon(), bypass=True)
        assert not forgetful.is_unchanged(NAMES, begun)

    async def test_what_is_learnt_on_the_way_is_a_change(self, forgetful: FreshCache, provider: AskedProvider) -> None:
        await forgetful.load(lookup(), provider, deadline=soon())
        begun = forgetful.instant()
        await forgetful.put(lookup(), Parcel(text="second"), forgetful.instant())
        assert not forgetful.is_unchanged(NAMES, begun)

    async def test_what_is_asked_for_the_first_time_is_none(
        self, forgetful: FreshCache, provider: AskedProvider
    ) -> None:
        """An answer that waits for it could not be kept otherwise."""
        begun = forgetful.instant()
        await forgetful.load(lookup(), provider, deadline=soon())
        assert forgetful.is_unchanged(NAMES, begun)
