"""Idempotency keys: one writer for each, and what became of the write is kept for whoever asks again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.store.database import Database
from gateway.store.idempotency_keys import (
    LEASE,
    Begun,
    Ended,
    Ending,
    IdempotencyKeys,
    KeyedWrite,
    KeyState,
    Running,
    Taken,
)
from gateway.store.present import present_of
from tests.gateway.orders.conftest import HandClock

WRITE = KeyedWrite(shop="acme", key="k1", operation="placeOrder", input_hash="a" * 64)
MADE = {"orders": [{"kind": "order_number", "value": "4711"}]}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def keys(database: Database, clock: HandClock) -> IdempotencyKeys:
    return IdempotencyKeys(database, present_of(database, clock))


async def begun(keys: IdempotencyKeys, write: KeyedWrite = WRITE) -> Begun:
    """The write as its maker's own."""
    found = await keys.begin(write)
    assert isinstance(found, Begun)
    return found


async def test_of_many_who_ask_at_once_one_makes_the_write(keys: IdempotencyKeys) -> None:
    answers = await asyncio.gather(*(keys.begin(WRITE) for _ in range(20)))
    assert Counter(type(answer) for answer in answers) == {Begun: 1, Running: 19}


@pytest.mark.parametrize("state", [KeyState.DONE, KeyState.REFUSED])
async def test_what_became_of_the_write_is_told_to_whoever_asks_again(keys: IdempotencyKeys, state: KeyState) -> None:
    made = await begun(keys)
    assert not made.repeated
    await keys.end(WRITE, Ending(made.attempt, state, MADE))
    assert await keys.begin(WRITE) == Ended(state, MADE)
    assert await keys.find(WRITE) == Ended(state, MADE)


@pytest.mark.parametrize("changes", [{"operation": "updateOrder"}, {"input_hash": "b" * 64}])
async def test_a_key_of_something_else_is_taken_running_or_done(keys: IdempotencyKeys, changes: dict[str, str]) -> None:
    made = await begun(keys)
    other = replace(WRITE, **changes)
    assert await keys.begin(other) == Taken()
    await keys.end(WRITE, Ending(made.attempt, KeyState.DONE, MADE))
    assert (await keys.begin(other), await keys.find(other)) == (Taken(), Taken())


async def test_a_key_belongs_to_a_shop(keys: IdempotencyKeys) -> None:
    await begun(keys)
    await begun(keys, replace(WRITE, shop="other"))


async def test_looking_takes_no_key(keys: IdempotencyKeys) -> None:
    assert await keys.find(WRITE) is None
    await begun(keys)
    assert await keys.find(WRITE) == Running()


async def test_a_write_that_died_is_made_again_as_a_repetition_and_its_late_end_is_not_heard(
    keys: IdempotencyKeys, clock: HandClock
) -> None:
    dead = await begun(keys)
    clock.advance(LEASE)
    heir = await begun(keys)
    assert heir.repeated
    await keys.end(WRITE, Ending(dead.attempt, KeyState.REFUSED))
    assert await keys.begin(WRITE) == Running()
    await keys.end(WRITE, Ending(heir.attempt, KeyState.DONE, MADE))
    assert await keys.begin(WRITE) == Ended(KeyState.DONE, MADE)


async def test_until_its_lease_ends_a_write_counts_as_being_made(keys: IdempotencyKeys, clock: HandClock) -> None:
    await begun(keys)
    clock.advance(LEASE - timedelta(milliseconds=1))
    assert await keys.begin(WRITE) == Running()


async def test_of_many_heirs_of_a_dead_write_one_makes_it(keys: IdempotencyKeys, clock: HandClock) -> None:
    await begun(keys)
    clock.advance(LEASE)
    answers = await asyncio.gather(*(keys.begin(WRITE) for _ in range(20)))
    assert Counter(type(answer) for answer in answers) == {Begun: 1, Running: 19}


async def test_what_ended_unknown_may_be_made_again_at_once_as_a_repetition(keys: IdempotencyKeys) -> None:
    made = await begun(keys)
    await keys.end(WRITE, Ending(made.attempt, KeyState.UNKNOWN))
    assert (await begun(keys)).repeated


async def test_a_key_that_is_given_back_is_as_new_and_only_its_holder_can_give_it_back(keys: IdempotencyKeys) -> None:
    made = await begun(keys)
    await keys.release(WRITE, "somebody else")
    assert await keys.begin(WRITE) == Running()
    await keys.release(WRITE, made.attempt)
    assert not (await begun(keys)).repeated


async def test_the_answers_about_an_order_are_forgotten_with_it(keys: IdempotencyKeys) -> None:
    for key, number in (("k1", "4711"), ("k2", "4712"), ("k3", None)):
        write = replace(WRITE, key=key)
        made = await begun(keys, write)
        await keys.end(write, Ending(made.attempt, KeyState.DONE, MADE, number))
    assert await keys.forget("other", "4711") == 0
    assert await keys.forget("acme", "4711") == 1
    assert [await keys.find(replace(WRITE, key=key)) for key in ("k1", "k2", "k3")] == [
        None,
        Ended(KeyState.DONE, MADE),
        Ended(KeyState.DONE, MADE),
    ]


async def test_old_keys_are_removed_but_not_while_their_write_is_made(keys: IdempotencyKeys, clock: HandClock) -> None:
    made = await begun(keys)
    await keys.end(WRITE, Ending(made.attempt, KeyState.DONE, MADE))
    clock.advance(timedelta(hours=72))
    assert await keys.purge(timedelta(hours=72)) == 0
    clock.advance(timedelta(seconds=1))
    running = replace(WRITE, key="k2")
    await begun(keys, running)
    assert await keys.purge(timedelta(seconds=0)) == 1
    clock.advance(timedelta(seconds=1))
    assert await keys.purge(timedelta(seconds=0)) == 0
    assert (await keys.find(WRITE), await keys.find(running)) == (None, Running())


async def test_the_databases_own_clock_ends_no_lease_early(database: Database) -> None:
    keys = IdempotencyKeys(database, present_of(database))
    await begun(keys)
    assert await keys.begin(WRITE) == Running()
    assert await keys.purge(timedelta(seconds=0)) == 0
