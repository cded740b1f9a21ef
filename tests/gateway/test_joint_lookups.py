"""Look-ups of many callers as few: none is lost, none is answered with what was read before it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from functools import partial

import pytest

from gateway.joint_lookups import AT_ONCE, MOST_KEYS, JointLookups


class Shelf:
    """Answers each key with what it holds when a look-up begins; holds every look-up while `hold` is called for."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.asked: list[list[str]] = []
        self.failure: Exception | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def look_up(self, keys: Collection[str]) -> Mapping[str, str | None]:
        self.asked.append(list(keys))
        found = {key: self.held.get(key) for key in keys}
        await self.free.wait()
        if self.failure is not None:
            raise self.failure
        return found


Lookups = JointLookups[str, Mapping[str, str | None]]


async def find(lookups: Lookups, key: str) -> str | None:
    return (await lookups.find(key))[key]


async def turns(count: int = 5) -> None:
    """Let the event loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_asked_for_at_one_time_is_one_look_up() -> None:
    shelf = Shelf()
    shelf.held = {"a": "A", "b": "B"}
    lookups = JointLookups(shelf.look_up)
    assert await asyncio.gather(*map(partial(find, lookups), ["a", "b", "c", "a"])) == ["A", "B", None, "A"]
    assert shelf.asked == [["a", "b", "c"]]


async def test_what_is_asked_for_while_others_are_looked_up_waits_for_the_next_one() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up)
    shelf.free.clear()
    finding = []
    for key in ("a", "b", "c", "d", "e"):
        finding.append(asyncio.create_task(find(lookups, key)))
        await turns()
    assert shelf.asked == [["a"], ["b"]], f"{AT_ONCE} at once"
    shelf.held["c"] = "written since"
    shelf.free.set()
    assert await asyncio.gather(*finding) == [None, None, "written since", None, None]
    assert shelf.asked == [["a"], ["b"], ["c", "d", "e"]]


async def test_whoever_has_just_written_finds_it() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up)
    shelf.free.clear()
    before = asyncio.create_task(find(lookups, "a"))
    await turns()
    shelf.held["a"] = "A"
    after = asyncio.create_task(find(lookups, "a"))
    await turns()
    shelf.free.set()
    assert (await before, await after) == (None, "A")


async def test_a_failure_is_told_to_all_whom_it_concerns_and_to_nobody_else() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up)
    shelf.failure = OSError("gone")
    first, second = await asyncio.gather(find(lookups, "a"), find(lookups, "b"), return_exceptions=True)
    assert first is second is shelf.failure
    shelf.failure = None
    assert await find(lookups, "a") is None


async def test_a_caller_that_leaves_takes_nothing_from_the_others() -> None:
    shelf = Shelf()
    shelf.held = {"a": "A"}
    lookups = JointLookups(shelf.look_up)
    shelf.free.clear()
    leaving, staying = asyncio.create_task(find(lookups, "a")), asyncio.create_task(find(lookups, "a"))
    await turns()
    leaving.cancel()
    shelf.free.set()
    assert await staying == "A"
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_no_look_up_has_more_keys_than_a_statement_takes() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up)
    count = MOST_KEYS * 2 + 1
    assert await asyncio.gather(*(find(lookups, str(each)) for each in range(count))) == [None] * count
    assert sorted(map(len, shelf.asked)) == [1, MOST_KEYS, MOST_KEYS]


async def test_what_is_asked_for_in_the_moment_in_which_look_ups_end_begins_anew() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up)

    async def ask_twice(key: str) -> list[str | None]:
        return [await find(lookups, key), await find(lookups, key)]

    shelf.free.clear()
    asking = []
    for caller in range(AT_ONCE):
        asking.append(asyncio.create_task(ask_twice(str(caller))))
        await turns()
    assert len(shelf.asked) == AT_ONCE
    shelf.free.set()
    async with asyncio.timeout(10):
        assert await asyncio.gather(*asking) == [[None, None]] * AT_ONCE


async def test_whoever_asks_for_several_things_gets_them_together() -> None:
    shelf = Shelf()
    shelf.held = {"a": "A", "b": "B"}
    lookups = JointLookups(shelf.look_up)
    both, one = await asyncio.gather(lookups.find("a", "b"), find(lookups, "b"))
    assert (both["a"], both["b"], one) == ("A", "B", "B")
    assert shelf.asked == [["a", "b"]]


async def test_whoever_waits_when_it_is_closed_is_let_go() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up)
    shelf.free.clear()
    finding = []
    for key in ("a", "b", "c"):
        finding.append(asyncio.create_task(find(lookups, key)))
        await turns()
    await lookups.aclose()
    await asyncio.wait(finding)
    assert all(each.cancelled() for each in finding)


async def test_more_than_one_look_up_takes_are_looked_up_at_the_same_time() -> None:
    shelf = Shelf()
    lookups = JointLookups(shelf.look_up, at_once=3)
    shelf.free.clear()
    finding = [asyncio.create_task(find(lookups, str(each))) for each in range(MOST_KEYS * 5)]
    await turns()
    assert [len(keys) for keys in shelf.asked] == [MOST_KEYS] * 3
    shelf.free.set()
    await asyncio.gather(*finding)
    assert [len(keys) for keys in shelf.asked] == [MOST_KEYS] * 5
