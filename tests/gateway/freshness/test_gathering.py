"""Reads that come while the storage is being asked are asked together, and miss nothing that was there before them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from gateway.freshness.gathering import Found, GatheredReads


class Shelf:
    """A storage that answers when it is told to."""

    def __init__(self) -> None:
        self.payloads: dict[str, bytes] = {}
        self.asked: list[tuple[set[str], set[str]]] = []
        self.released = asyncio.Event()
        self.failure: Exception | None = None

    async def read(self, keys: Collection[str], tags: Collection[str]) -> Found:
        self.asked.append((set(keys), set(tags)))
        await self.released.wait()
        if self.failure:
            raise self.failure
        return Found({key: self.payloads[key] for key in keys if key in self.payloads}, dict.fromkeys(tags, 7))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def reads(shelf: Shelf) -> GatheredReads:
    return GatheredReads(shelf.read)


async def all_have_asked() -> None:
    """Return when the tasks that were made have come as far as they can."""
    for _ in range(3):
        await asyncio.sleep(0)


def reading(reads: GatheredReads, key: str, *tags: str) -> asyncio.Task[Found]:
    return asyncio.create_task(reads.read((key,), tags))


async def test_those_that_come_together_are_asked_together(shelf: Shelf, reads: GatheredReads) -> None:
    shelf.payloads = {"a": b"1", "b": b"2"}
    shelf.released.set()
    a, b, c = await asyncio.gather(reads.read(("a",), ("x",)), reads.read(("b",), ("x", "y")), reads.read(("c",), ()))
    assert shelf.asked == [({"a", "b", "c"}, {"x", "y"})]
    assert (a.payloads["a"], b.payloads["b"], "c" in c.payloads) == (b"1", b"2", False)
    assert (b.latest(("x", "y")), c.latest(())) == (7, 0)


async def test_those_that_come_later_are_asked_for_when_the_first_have_their_answer(
    shelf: Shelf, reads: GatheredReads
) -> None:
    """What is on its way may have been read before they asked, and would not tell them what was written meanwhile."""
    first = reading(reads, "a")
    await all_have_asked()
    later = [reading(reads, "a"), reading(reads, "b")]
    await all_have_asked()
    assert shelf.asked == [({"a"}, set())]
    shelf.payloads = {"a": b"written meanwhile"}
    shelf.released.set()
    await first
    assert [found.payloads.get("a") for found in await asyncio.gather(*later)] == [b"written meanwhile"] * 2
    assert shelf.asked[1:] == [({"a", "b"}, set())]


async def test_one_that_is_given_up_takes_nothing_from_the_others(shelf: Shelf, reads: GatheredReads) -> None:
    given_up, waiting = reading(reads, "a"), reading(reads, "b")
    await all_have_asked()
    given_up.cancel()
    shelf.released.set()
    assert await waiting == Found({}, {})
    assert given_up.cancelled()


async def test_a_defect_reaches_all_who_wait_and_no_one_after_them(shelf: Shelf, reads: GatheredReads) -> None:
    shelf.failure = ValueError("defect")
    shelf.released.set()
    outcomes = await asyncio.gather(reads.read(("a",), ()), reads.read(("b",), ()), return_exceptions=True)
    assert [*outcomes] == [shelf.failure] * 2
    shelf.failure = None
    assert await reads.read(("a",), ()) == Found({}, {})


async def test_who_waits_when_it_is_closed_is_let_go(reads: GatheredReads) -> None:
    first = reading(reads, "a")
    await all_have_asked()
    later = reading(reads, "b")
    await all_have_asked()
    await reads.aclose()
    await asyncio.wait({first, later})
    assert first.cancelled()
    assert later.cancelled()
