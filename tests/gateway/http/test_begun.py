"""What is at hand costs no waiting, and what is not is awaited as if in one piece."""

from __future__ import annotations

import asyncio

import pytest

from gateway.http.begun import Begun


async def at_once() -> int:
    return 7


async def failing() -> int:
    raise ValueError("no")


async def test_what_is_at_hand_is_there_without_the_event_loop() -> None:
    begun = Begun(at_once())

    assert begun.is_over
    assert begun.result == 7
    assert await begun == 7


async def test_what_is_not_is_awaited_from_where_it_stands() -> None:
    arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    steps: list[str] = []

    async def waiting() -> int:
        steps.append("begun")
        first = await arrived
        await asyncio.sleep(0)
        steps.append("over")
        return first

    begun = Begun(waiting())
    assert not begun.is_over
    assert steps == ["begun"]
    asyncio.get_running_loop().call_soon(arrived.set_result, 7)

    assert await begun == 7
    assert steps == ["begun", "over"]


async def test_a_failure_in_the_first_step_is_raised_there() -> None:
    with pytest.raises(ValueError, match="no"):
        Begun(failing())


async def test_being_cut_off_reaches_what_was_begun() -> None:
    tidied = asyncio.Event()

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.set()

    begun = Begun(waiting())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await begun

    assert tidied.is_set()
